"""`tenure up` without its command line: the stack until a signal, and its ready file."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tenure.local.part import Say
from tenure.local.ready_file import ReadyFile
from tenure.local.running import run_until_signal, running
from tenure.local.stack import OPS, SERVICES, Stack, StackOptions

SERVICE_COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    **{name: (sys.executable, "-m", f"{name}_service") for name in SERVICES},
    OPS: (sys.executable, "-m", "tenure.ops"),
}
"""Service, or the operations page -> the command line that runs a copy of it."""
FIXED_PORTS: Final[Mapping[str, int]] = {
    "kafka": 19092,
    "kafka controller": 19093,
    "postgres": 15432,
    "smtp": 11025,
    "mail": 18025,
    "subscription": 18080,
    "notifier": 18081,
    "ops": 18082,
}
"""The ports of `make up`."""
_LOG_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a person is told what happens: `say` one line; `ready` the addresses; `log`, if any, each line of a log."""

    say: Say
    ready: Callable[[Mapping[str, Any]], None]
    log: Say | None = None


def serve(options: StackOptions, ready_file: Path | None, telling: Telling) -> None:
    """Run the stack until a signal. Raises `ReadyFileInUse`, and what `running` and `run_until_signal` raise."""
    ready = ReadyFile(ready_file)
    ready.clear()
    run_until_signal(partial(_serve, options, ready, telling))


async def _serve(options: StackOptions, ready_file: ReadyFile, telling: Telling) -> None:
    def rewrite(stack: Stack) -> None:
        ready_file.write(stack.document())

    async with (
        _followed(options.folder, telling.log),
        running(options, say=telling.say, changed=rewrite) as stack,
    ):
        try:
            rewrite(stack)
            telling.ready(stack.document())
            await asyncio.Event().wait()
        finally:
            ready_file.remove()
            telling.say("ending")


@asynccontextmanager
async def _followed(folder: Path, log: Say | None) -> AsyncIterator[None]:
    """Give every line of every log below the folder to `log`, each after its part's name."""
    if log is None:
        yield
        return
    following = asyncio.create_task(_follow(folder, log))
    try:
        yield
    finally:
        following.cancel()


async def _follow(folder: Path, log: Say) -> None:
    read: dict[Path, int] = {}
    while True:
        for file in folder.glob("*/*.log"):
            with file.open("rb") as content:
                content.seek(read.get(file, 0))
                *lines, _unfinished = content.read().split(b"\n")
            read[file] = read.get(file, 0) + sum(len(line) + 1 for line in lines)
            for line in lines:
                log(f"{file.stem}: {line.decode(errors='replace')}")
        await asyncio.sleep(_LOG_POLL_SECONDS)
