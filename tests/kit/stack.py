"""A whole stack as a user starts it with `tenure up`, in processes of its own, with the test clock on."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from tenure.local.process import ending_with_us
from tenure.story.metrics import by_outcome
from tests.kit import http
from tests.kit.events import START
from tests.kit.waiting import eventually

_START_SECONDS: Final = 120
_END_SECONDS: Final = 60
_READY_AGAIN_SECONDS: Final = 90


class RunningStack:
    """A stack that `tenure up` runs. Its ready file is read anew each time, since processes are replaced."""

    def __init__(self, ready_file: Path) -> None:
        self._ready_file = ready_file

    @property
    def ready(self) -> dict[str, Any]:
        """The document of the ready file."""
        document: dict[str, Any] = json.loads(self._ready_file.read_text())
        return document

    def kill(self, part: str) -> None:
        """SIGKILL to every process of this part or service that runs now."""
        for pid in self.ready["pids"][part]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @asynccontextmanager
    async def suspended(self, part: str) -> AsyncIterator[None]:
        """The part and its children are stopped while the block runs: they accept connections and answer nothing."""
        parents = [psutil.Process(pid) for pid in self.ready["pids"][part]]
        family = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    async def command(self, *arguments: str) -> tuple[int | None, str]:
        """Run `tenure` with these arguments on this stack: exit code, and all that it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenure", *arguments, "--ready-file", str(self._ready_file)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    async def outcomes(self) -> Counter[str]:
        """How many events in have come to which outcome, `parked` included (G4)."""
        async with http.client() as client:
            return by_outcome((await client.get(f"{self.ready['subscription_url']}/metrics")).text)

    async def troubles(self, service: str) -> dict[str, str]:
        """Part -> why it cannot work now, as `/ready` of the first copy of this service says."""
        async with http.client() as client:
            found: dict[str, str] = (await client.get(f"{self.ready[f'{service}_url']}/ready")).json()["troubles"]
        return found

    async def is_ready(self, service: str) -> bool:
        """Whether `/ready` of the first copy of this service answers 200."""
        async with http.client() as client:
            return (await client.get(f"{self.ready[f'{service}_url']}/ready")).status_code == httpx.codes.OK

    async def until_ready(self) -> None:
        """Wait until both services are ready again."""

        async def both() -> bool:
            return await self.is_ready("subscription") and await self.is_ready("notifier")

        await eventually(both, _READY_AGAIN_SECONDS)


@asynccontextmanager
async def running_stack(folder: Path, *options: str) -> AsyncIterator[RunningStack]:
    """`tenure up` with these options and its data below this folder; at the end SIGINT must make it exit with 0."""
    ready_file, log = folder / "ready.json", folder / "up.log"
    command = ["-m", "tenure", "up", "--ready-file", str(ready_file), "--data", str(folder / "data")]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command, "--test-clock", START.isoformat(), *options),
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=ending_with_us(),  # a test run that is killed leaves no stack
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not ready_file.exists():
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.1)
            yield RunningStack(ready_file)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            code = await asyncio.wait_for(process.wait(), _END_SECONDS)
    assert code == 0, log.read_text()[-2000:]
