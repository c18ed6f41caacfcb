"""Parts of the local stack as such: no server is started."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tenure.local.folders import put
from tenure.local.part import Part, PartFailed
from tenure.local.ports import PortBook, free_port
from tenure.local.ready_file import ReadyFile, ReadyFileInUse
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
    with pytest.raises(PartFailed, match="silent is not ready after 0 s"):
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


@pytest.mark.slow
async def test_a_service_that_waits_tells_for_what(tmp_path: Path) -> None:
    answer = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503); self.end_headers(); self.wfile.write(BODY)
BODY = b'{"troubles": {"database": "it is away", "lag": "starting", "http": "it is away"}}'
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()"""
    port = free_port()
    copy = Service("copy", tmp_path, port=port, command=[sys.executable, "-c", f"import sys{answer}", str(port)])
    copy.use_environment({})
    copy.start_within_seconds = 5
    with pytest.raises(PartFailed, match=r"^copy is not ready after 5 s: database, http: it is away$"):
        await copy.start()
    await copy.kill()


def test_the_ready_file_of_a_stack_that_runs_is_left_alone_and_that_of_another_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    running = ReadyFile(file)
    running.write({"pid": os.getpid()})
    with pytest.raises(ReadyFileInUse, match=f"^{file} is that of another `tenure up`"):
        ReadyFile(file).clear()
    os.utime(file, (1, 1))  # written before that process began: its id was given out anew
    ReadyFile(file).clear()
    assert not file.exists()
    for left in ('{"pid": 4000000}', '{"pid": "x"}', "{}", "[1]", "{", ""):
        file.write_text(left)
        ReadyFile(file).clear()
        assert not file.exists()


def test_a_ready_file_that_another_stack_has_written_since_is_not_removed(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    first, second = ReadyFile(file), ReadyFile(file)
    first.write({"pid": 1})
    second.write({"pid": 2})
    first.remove()
    assert json.loads(file.read_text()) == {"pid": 2}
    second.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damaged", ["", "{bad", "[]", '{"kafka": "x", "mail": 20001}', "\udcff"])
def test_a_damaged_book_of_ports_gives_free_ones(tmp_path: Path, damaged: str) -> None:
    file = tmp_path / "ports.json"
    file.write_bytes(damaged.encode("utf-8", "surrogateescape"))
    port = PortBook(file, {}).port("kafka")
    assert PortBook(file, {}).port("kafka") == port


def test_what_cannot_be_written_as_a_whole_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    put(file, "before")
    with pytest.raises(UnicodeEncodeError):
        put(file, "\ud800")
    assert ([each.name for each in tmp_path.iterdir()], file.read_text()) == (["file"], "before")
