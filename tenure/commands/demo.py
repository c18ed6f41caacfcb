"""`tenure demo`: a customer's story, played through the whole local stack in moved time, and checked.

Exit code 0 when every check came true, 1 with a sentence when not, 128 + the signal's number after Ctrl-C or
SIGTERM. Either way every process has ended and the temporary folder is gone.
"""

import asyncio
import time

import httpx
import typer
from aiokafka.errors import KafkaError

from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import BadSettings
from tenure.commands.failures import Failed, failing
from tenure.local.folders import temporary_folder
from tenure.local.part import PartFailed
from tenure.local.ports import PortTaken
from tenure.local.running import Interrupted, until_signal
from tenure.story.driver import NotInTime
from tenure.story.narrator import CheckFailed
from tenure.story.play import play
from tenure.terminal import say

app = typer.Typer(add_completion=False)


@app.command()
def demo() -> None:
    """Play a customer's story through the local stack, in moved time, and check it."""
    began = time.monotonic()
    say("Starting Kafka, PostgreSQL, a mail server and both services, on free ports in a temporary folder.")
    expected = (
        PartFailed,
        PortTaken,
        BadSettings,
        NotInTime,
        CheckFailed,
        Transient,
        Alarm,
        httpx.HTTPError,
        KafkaError,
    )
    try:
        with failing("tenure demo", *expected), temporary_folder() as folder:
            checks = asyncio.run(until_signal(play(folder, stack_says=_say)))
    except Interrupted as interrupted:
        message = "ended early; no process and no file is left"
        raise Failed("tenure demo", message, 128 + interrupted.number) from None
    say("")
    say(("The end", "bold"), f": {checks} checks came true, in {time.monotonic() - began:.0f} s.")


def _say(line: str) -> None:
    """Only what is out of the ordinary, such as a part that died."""
    if not line.startswith("starting ") and " is ready " not in line:
        say(f"  stack  {line}")
