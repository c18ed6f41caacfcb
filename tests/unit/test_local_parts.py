"""Parts of the local stack as such: no server is started."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tenure.local.part import Part, PartFailed
from tenure.local.service import Service


class Silent(Part):
    """Runs, and never says whether it serves."""

    start_within_seconds = 0.1

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", "input()"]

    async def answers(self) -> bool:
        await asyncio.Event().wait()
        return True


async def test_a_part_that_takes_a_question_and_does_not_answer_has_failed_in_time(tmp_path: Path) -> None:
    part = Silent("silent", tmp_path)
    with pytest.raises(PartFailed, match="silent does not answer after 0 s"):
        await part.until_ready()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("sys.exit('TENURE_X: expected more.')", "copy ended at its start (exit code 1).\nTENURE_X: expected more."),
        ("print('TENURE_X: no.'); sys.exit(2)", "copy ended at its start (exit code 2: TENURE_X: no.)."),
        (
            "print('2026-11-28T00:00:00.000+00:00 CRITICAL alarm: ALARM reason=\"Look.\"'); sys.exit(3)",
            "copy ended at its start (exit code 3: Look.).",
        ),
        ("os.kill(os.getpid(), 9)", "copy ended at its start (SIGKILL).\n"),
    ],
)
async def test_a_service_that_ends_tells_why_in_its_own_sentence(tmp_path: Path, program: str, told: str) -> None:
    copy = Service("copy", tmp_path, port=1, command=[sys.executable, "-c", f"import os, sys; {program}"])
    copy.use_environment({})
    with pytest.raises(PartFailed) as failed:
        await copy.start()
    assert str(failed.value) == told
