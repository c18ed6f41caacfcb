"""Parts of the local stack as such: no server is started."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tenure.local.part import Part, PartFailed


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
