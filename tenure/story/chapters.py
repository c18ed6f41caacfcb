"""What stories are made of: chapters, and what these act on: a stack, a narrator, and a folder to type commands in."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from shared.runtime.settings import PREFIX
from tenure.local.ready_file import write_ready_file
from tenure.local.stack import Stack
from tenure.story.narrator import Narrator
from tenure.terminal import say


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryContext:
    """`folder`: where commands run, and what they read and write lies."""

    stack: Stack
    narrator: Narrator
    folder: Path

    async def command(self, *words: str, more: Sequence[str] = ()) -> "CommandResult":
        """Type `tenure WORDS`, and print what it says; `more` are words that are typed too, but not shown."""
        ready_file = self.folder / "ready.json"
        write_ready_file(ready_file, self.stack.document())
        say(("  $ tenure ", "blue"), (" ".join(_quoted(word) for word in words), "blue"))
        typed = [sys.executable, "-m", "tenure", *words, *more, "--ready-file", str(ready_file)]
        done = await _run(typed, self.folder)
        for line in done.output.splitlines():
            say(f"    {line}")
        return done


class CommandResult(NamedTuple):
    """What a command came to; `output`: stdout, then stderr."""

    code: int
    output: str


Chapter = Callable[[StoryContext], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`begins`: where the test clock stands first; `addresses`: account -> address of those whom it is about, the main
    one first; `settings`: of the services.
    """

    begins: str
    addresses: Mapping[str, str]
    chapters: Sequence[Chapter]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The main one."""
        return next(iter(self.addresses))


def narrated(chapter: Callable[[Narrator], Awaitable[None]]) -> Chapter:
    """A chapter that needs the narrator alone."""

    async def in_context(context: StoryContext) -> None:
        await chapter(context.narrator)

    return in_context


async def _run(words: Sequence[str], folder: Path) -> CommandResult:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return CommandResult(process.returncode or 0, (output + errors).decode())


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
