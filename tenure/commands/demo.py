"""`tenure demo`: a story, played through the whole local stack in moved time, and checked: a customer's, or that of a
firm that moves in.

With `--keep` the stack stays to look at, as the story has left it, until Ctrl-C or SIGTERM.

Exit code 0 when every check came true, 1 with a sentence when not, 128 + the signal's number where Ctrl-C or SIGTERM
ended the story. Either way every process has ended and the temporary folder is gone.
"""

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import typer
from aiokafka.errors import KafkaError

from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import BadSettings
from tenure.commands.addresses import say_addresses
from tenure.commands.failures import Failed, failing
from tenure.connection_options import READY_FILE
from tenure.local.folders import temporary_folder
from tenure.local.part import PartFailed
from tenure.local.ports import PortTaken
from tenure.local.ready_file import write_ready_file
from tenure.local.running import Interrupted, interruptible, run_until_signal
from tenure.local.stack import Stack
from tenure.story import pictures
from tenure.story.chapters import Story
from tenure.story.driver import NotInTime
from tenure.story.narrator import CheckFailed
from tenure.story.play import Played, played
from tenure.story.stories import STORIES
from tenure.terminal import say

app = typer.Typer(add_completion=False)
Pictures = Annotated[Path, typer.Option("--pictures", metavar="DIR", help="Where pictures of it are left.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the stack running to look at, until Ctrl-C.")]


StoryName = Annotated[
    str, typer.Option("--story", metavar="NAME", help=f"Which story: {', '.join(STORIES)}.", show_default=True)
]


@app.command()
def demo(keep: Keep = False, name: StoryName = "customer", pictures_in: Pictures = Path(".tenure/pictures")) -> None:
    """Play a story through the local stack, in moved time, and check it."""
    if name not in STORIES:
        raise typer.BadParameter(f"--story {name}: expected one of {', '.join(STORIES)}")
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
        interruptible()
        say("Starting Kafka, PostgreSQL, a mail server and both services, on free ports in a temporary folder.")
        with failing("tenure demo", *expected), temporary_folder() as folder:
            run_until_signal(partial(_play, STORIES[name], folder, keep=keep, pictures_in=pictures_in))
    except Interrupted as interrupted:
        message = "ended early; no process and no file is left"
        raise Failed("tenure demo", message, 128 + interrupted.number) from None


async def _play(story: Story, folder: Path, *, keep: bool, pictures_in: Path) -> None:
    began = time.monotonic()
    async with played(story, folder, stack_says=_say) as done:
        say("")
        say(("The end", "bold"), f": {done.checks} checks came true, in {time.monotonic() - began:.0f} s.")
        await _picture(done, story.account, folder, pictures_in)
        if keep:
            ready_file = READY_FILE if not READY_FILE.exists() else folder / "ready.json"
            await _look(done.stack, story.account, ready_file)


async def _picture(done: Played, account: str, folder: Path, into: Path) -> None:
    """Leave pictures of what the story has made, where this machine has a browser."""
    browser = pictures.find_browser()
    if browser is None:
        say("There are no pictures of it: no Chromium is installed here.")
        return
    views = list(pictures.views_of(done.stack.document(), account))
    if done.last_mail is not None:
        html = folder / "mail.html"
        html.write_text(done.last_mail, "utf-8")
        views.append(pictures.view_of_mail(html))
    taken = await pictures.take(browser, views, into)
    names = ", ".join(picture.name for picture in taken) or "none, since the browser failed"
    say(f"Pictures in {into}: {names}.")


async def _look(stack: Stack, account: str, ready_file: Path) -> None:
    """Leave the stack as it is until a signal, which then ends the demo as its own end would."""
    write_ready_file(ready_file, stack.document())
    say("\nThe stack stays as the story has left it, its clock too:")
    say_addresses(stack.document())
    option = "" if ready_file == READY_FILE else f" --ready-file {ready_file}"
    say(f"Look at it with `tenure account {account}{option}`. Ctrl-C ends it, and everything in it is forgotten.")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    finally:
        ready_file.unlink(missing_ok=True)


def _say(line: str) -> None:
    """Only what is out of the ordinary, such as a part that died."""
    if not line.startswith("starting ") and " is ready " not in line:
        say(f"  stack  {line}")
