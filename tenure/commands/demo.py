"""`tenure demo`: a customer's story, played through the whole local stack in moved time, and checked.

Exit code 0 when every check came true, 1 with a sentence when not, 128 + the signal's number after Ctrl-C or
SIGTERM. Either way every process has ended and the temporary folder is gone.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import httpx
from aiokafka.errors import KafkaError

from shared.runtime.settings import PREFIX, BadSettings
from tenure.commands.up import COMMANDS, write_ready_file
from tenure.local.folders import passing_folder
from tenure.local.part import PartFailed
from tenure.local.ports import PortTaken
from tenure.local.stack import Stack, StackOptions
from tenure.story.customer import ACCOUNT, BEGINS, CHAPTERS, CONTACT
from tenure.story.driver import NotSeen, driver, within
from tenure.story.narrator import Narrator, Untrue
from tenure.story.stack import places, running

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_: argparse.Namespace) -> int:
    """Play it; the exit code."""
    try:
        with passing_folder() as folder:
            return asyncio.run(_until_told_to_end(folder))
    except (PartFailed, PortTaken, BadSettings, NotSeen, Untrue, httpx.HTTPError, KafkaError) as error:
        print(f"\ntenure demo: {error or repr(error)}", file=sys.stderr)
        return 1


async def _until_told_to_end(folder: Path) -> int:
    """The story's exit code, or that of the signal; a second signal does not disturb the ending."""
    told: list[int] = []
    playing = asyncio.create_task(_play(folder))

    def end(number: int) -> None:
        told.append(number)
        if len(told) == 1:
            playing.cancel()

    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    await asyncio.wait([playing])
    if playing.cancelled():
        print("\ntenure demo: ended early; nothing is left behind", file=sys.stderr)
        return 128 + told[0]
    return playing.result()


async def _play(folder: Path) -> int:
    began = time.monotonic()
    print("Starting Kafka, PostgreSQL, a mail server and both services, on free ports in a temporary folder.")
    async with running(_options(folder), say=_quietly) as stack:
        print(f"Ready after {time.monotonic() - began:.0f} s. From here on time is moved by hand.", flush=True)
        async with driver(places(stack), now=datetime.fromisoformat(BEGINS)) as driving:
            ann = Narrator(driving, ACCOUNT, CONTACT["email"])
            for chapter in CHAPTERS:
                await chapter(ann)
        await _audit(stack, folder, ann)
    print(f"\nThe end: {ann.checks} checks came true, in {time.monotonic() - began:.0f} s.")
    return 0


async def _audit(stack: Stack, folder: Path, ann: Narrator) -> None:
    """What `tenure audit` says of all this, where there is that command."""
    if not find_spec("tenure.commands.audit"):
        return
    ready_file = folder / "ready.json"
    write_ready_file(ready_file, stack.document())
    print("\ntenure audit", flush=True)
    command = (sys.executable, "-m", "tenure", "audit", "--ready-file", str(ready_file))
    process = await asyncio.create_subprocess_exec(*command, env=_environment())
    try:
        code = await within(process.wait(), "the end of `tenure audit`")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    ann.check("folding the whole log gives what is stored", code == 0)


def _options(folder: Path) -> StackOptions:
    return StackOptions(folder=folder, environment=_environment(), commands=COMMANDS, test_clock=BEGINS)


def _environment() -> Mapping[str, str]:
    """Ours without Tenure's settings: the story's figures are those of the policy and catalog that come with it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _quietly(line: str) -> None:
    """Only what is out of the ordinary: a part that died."""
    if not line.startswith("starting ") and " is ready " not in line:
        print(f"  stack  {line}", flush=True)
