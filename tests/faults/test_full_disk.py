"""A disk that fills up under PostgreSQL, with and without room for its log, and under Kafka, while events flow.

These need root on Linux: a small file system is mounted below one part's folder. Without root each of them is skipped
with that reason; nothing else here is.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from tests.faults.flow import each_event_counted_once, feed, nothing_lost_or_doubled
from tests.kit.stack import RunningStack, running_stack

FULL_SECONDS = 30
SIZE = "200m"
MAY_MOUNT = sys.platform == "linux" and os.geteuid() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """An empty file system of `SIZE` at `folder`."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@asynccontextmanager
async def full(disk: Path) -> AsyncIterator[None]:
    """Not a byte is free; what somebody frees is taken again at once."""
    filler = disk / "filler"
    filling = asyncio.create_task(_keep_full(filler))
    try:
        yield
    finally:
        filling.cancel()
        filler.unlink()


async def _keep_full(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        while True:
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))
            await asyncio.sleep(0.2)


async def _use_up_the_log(stack: RunningStack) -> None:
    """Let PostgreSQL write its log until it has no room for more, which is a PANIC; it is away then."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(stack.ready["database_url"])
        while True:
            await connection.execute("SELECT pg_logical_emit_message(true, 'full', repeat('x', 100000))")


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G5")
@pytest.mark.timeout(600)
@pytest.mark.skipif(not MAY_MOUNT, reason="needs root on Linux, to mount a small file system")
@pytest.mark.parametrize(("part", "log_too"), [("postgres", False), ("postgres", True), ("kafka", False)])
async def test_nothing_is_lost_when_a_disk_is_full_for_a_while(part: str, log_too: bool, tmp_path: Path) -> None:
    events = 600
    tmp_path.chmod(0o755)
    with small_disk(tmp_path / "data" / part) as disk:
        async with running_stack(tmp_path) as stack:
            feeding = asyncio.create_task(feed(stack, events, per_second=15))
            async with full(disk):
                if log_too:
                    await _use_up_the_log(stack)
                await asyncio.sleep(FULL_SECONDS)
                assert not await stack.is_ready("subscription")
            await feeding
            await stack.until_ready()
            await nothing_lost_or_doubled(stack, events)
            await each_event_counted_once(stack, events)
