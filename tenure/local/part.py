"""What every part of the local stack can do: start, stop, be killed, start again on the same data and ports.

A part keeps no event loop, so a test may start it in one loop and restart it in another.
"""

import asyncio
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from tenure.local.folders import make_private
from tenure.local.ports import is_free
from tenure.local.process import SpawnOptions, kill_with_descendants, listens, spawn

Say = Callable[[str], None]
"""Prints one line for the person at the terminal."""

_POLL_SECONDS: Final = 0.05
_TAIL_LINES: Final = 30


class PartFailed(Exception):
    """A part does not run; the message is a sentence, with the end of its log where there is one."""


class Part(ABC):
    """One child process with a folder of its own; `name` is used in messages and for its log file."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    unprivileged: ClassVar[bool] = False
    works_in_its_folder: ClassVar[bool] = False
    """Whether the child's working folder is its own, so that no path has to be written into a file or a command."""
    start_within_seconds: float = 60
    stop_within_seconds: float = 10

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.waits_for = ""
        """What it says that it waits for, when it was last asked whether it answers; empty where it says nothing."""
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What to run."""

    @abstractmethod
    async def answers(self) -> bool:
        """Whether the part serves its users now. Not yet is False, never an exception."""

    @property
    def ports(self) -> Sequence[int]:
        """Where it listens once it answers."""
        return ()

    def environment(self) -> Mapping[str, str] | None:
        """The child's whole environment; None for ours."""
        return None

    async def prepare(self) -> None:
        """Make what `command` needs; runs before every start, also on the data of an earlier one."""

    @property
    def log(self) -> Path:
        """Where the child's output goes."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The running child's process id. Raises `PartFailed` when it never ran."""
        if self._process is None:
            raise PartFailed(f"{self.name} was not started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return None if self._process is None else self._process.poll()

    async def start(self) -> None:
        """Start and wait until it answers. Raises `PartFailed`."""
        make_private(self.folder)
        await self.prepare()
        self.spawn()
        await self.until_ready()

    def spawn(self) -> None:
        """Start the child without waiting for it to answer."""
        self._process = self._spawn(self.command())

    async def run_to_end(self, command: Sequence[str]) -> None:
        """Run a program that prepares the part, with the same user and log. Raises `PartFailed` when it fails."""
        self._process = self._spawn(command)
        code = await self.ended()
        if code != 0:
            program = Path(command[0]).name
            raise PartFailed(f"{self.name} could not be set up: {program} ended with {code}.\n{self.log_tail()}")

    async def until_ready(self) -> None:
        """Wait until it answers. Raises `PartFailed` when it ends first, or does not answer in time."""
        try:
            async with asyncio.timeout(self.start_within_seconds):
                while not await self._serves():
                    if self.exit_code is not None:
                        raise PartFailed(self._why_it_does_not_start())
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            late = f"{self.name} is not ready after {self.start_within_seconds:.0f} s"
            raise PartFailed(f"{late}: {self.waits_for}" if self.waits_for else f"{late}.\n{self.log_tail()}") from None

    async def _serves(self) -> bool:
        """Whether it is this child that answers: two stacks that start at one moment may have chosen the same port."""
        return await self.answers() and all(listens(self.pid, port) for port in self.ports)

    def _why_it_does_not_start(self) -> str:
        for port in self.ports:
            if not is_free(port):
                return f"{self.name} could not start: another program has taken port {port} meanwhile. Run it again."
        return f"{self.name} ended at its start ({self.how_it_ended}).{self._rest_of_log()}"

    def _rest_of_log(self) -> str:
        """Where the part gave no reason of its own."""
        return "" if self.last_words() else f"\n{self.log_tail()}"

    @property
    def how_it_ended(self) -> str:
        """Its exit code or the name of its signal, and why, where it says so; of one that has ended."""
        code, why = self.exit_code or 0, self.last_words()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{how}: {why}" if why else how

    def last_words(self) -> str:
        """Why it ended, in its own sentence; empty where it gave none."""
        return ""

    async def ended(self) -> int:
        """Wait until the child has ended, whatever the cause; its exit code."""
        while (code := self.exit_code) is None and self._process is not None:
            await asyncio.sleep(_POLL_SECONDS)
        return code or 0

    async def stop(self) -> None:
        """Send it `stop_signal`, and kill it when it does not end in time. Does nothing when it does not run."""
        if self._process is None or self.exit_code is not None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            await asyncio.wait_for(self.ended(), self.stop_within_seconds)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL to it and all that it started, like a crash; returns when it has ended."""
        if self._process is not None and self.exit_code is None:
            kill_with_descendants(self._process.pid)
            await self.ended()

    async def restart(self) -> None:
        """Stop, then start on the same data and ports."""
        await self.stop()
        await self.start()

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        options = SpawnOptions(
            log=self.log,
            working_folder=self.folder if self.works_in_its_folder else None,
            environment=self.environment(),
            death_signal=self.stop_signal,
            unprivileged=self.unprivileged,
        )
        return spawn(command, options)

    def log_tail(self) -> str:
        """The last lines of the log, for error messages."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
