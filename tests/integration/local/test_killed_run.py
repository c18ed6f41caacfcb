"""A test run that is killed leaves no process behind, whatever it had started from the kit."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.kit.process import start

ROOT: Final = Path(__file__).parents[3]
WHOLE_STACK: Final = """
import asyncio, pathlib, sys
from tests.kit.stack import running_stack

async def run():
    async with running_stack(pathlib.Path(sys.argv[1])):
        await asyncio.sleep(600)

asyncio.run(run())
"""
PARTS: Final = """
import sys, time, pathlib
from tenure.local.postgres import Postgres
from tests.kit.parts import finish
from tests.kit.process import start

part = Postgres(pathlib.Path(sys.argv[1]) / "postgres")
finish(part.start())
service = start([sys.executable, "-c", "import time; time.sleep(600)"])
print("started", part.pid, service.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # PostgreSQL runs as another user when the tests run as root.
    tmp_path.chmod(0o755)
    return tmp_path


def left_by_killed(pid: int) -> list[psutil.Process]:
    """Sends SIGKILL to this process alone; what of its children is still there after 30 s."""
    process = psutil.Process(pid)
    family = process.children(recursive=True)
    assert family
    process.kill()
    return list(psutil.wait_procs(family, timeout=30)[1])


def test_parts_and_services_end_with_a_killed_run(folder: Path) -> None:
    with start([sys.executable, "-c", PARTS, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline().startswith(b"started")
        assert left_by_killed(run.pid) == []


def test_a_stack_ends_with_a_killed_run_in_the_middle_of_its_start(folder: Path) -> None:
    log = folder / "up.log"
    with start([sys.executable, "-c", WHOLE_STACK, str(folder)], cwd=ROOT) as run:
        while not (log.exists() and "kafka is ready" in log.read_text()):
            assert run.poll() is None
            time.sleep(0.1)
        assert left_by_killed(run.pid) == []
