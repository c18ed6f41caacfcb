"""Pictures of what a story has left, by a headless Chromium: the customer's pages, the last mail, operators' pages.

Pages are opened as people open them, by links. Where there is no Chromium there are no pictures.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from tenure.tokens import token

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_SECONDS: Final = 60.0
_SETTLED_MILLISECONDS: Final = 3_000
"""A page that is live never stops loading; its picture is taken after this time."""
_QUIET: Final = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--timeout={_SETTLED_MILLISECONDS}",
)


class View(NamedTuple):
    """What a picture shows: `name` of its file, address, and size of the window in pixels."""

    name: str
    url: str
    width: int
    height: int


def find_browser() -> str | None:
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def views_of(document: Mapping[str, Any], account: str) -> Sequence[View]:
    """Of the stack in this ready file's `document`: the account's pages, and those of operators."""
    secret, notifier = document["auth_secret"], document["notifier_url"]
    customer, operator = token(account, secret), token("ops", secret, operator=True)
    return (
        View("inbox", f"{notifier}/inbox?token={customer}", 1000, 1000),
        View("preferences", f"{notifier}/preferences?token={customer}", 1000, 1200),
        View("previews", f"{notifier}/mails?token={operator}", 1500, 1100),
        View("operations", f"{document['ops_url']}/ops?token={operator}", 1400, 2000),
    )


def view_of_mail(html: Path) -> View:
    """A mail, from a file of its HTML."""
    return View("mail", html.absolute().as_uri(), 700, 860)


async def take(browser: str, views: Sequence[View], folder: Path) -> Sequence[Path]:
    """One picture of each view in this folder, which is made if need be; those that the browser made."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [(view, folder / f"{view.name}.png") for view in views]
    for view, picture in pictures:
        picture.unlink(missing_ok=True)
        await _take(browser, view, picture)
    return [picture for _, picture in pictures if picture.exists()]


async def _take(browser: str, view: View, picture: Path) -> None:
    """With a profile of its own, so that nothing of the person at this machine is used or changed."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with TemporaryDirectory(prefix="tenure-browser-", ignore_cleanup_errors=True) as profile:
        words = [*_QUIET, *sandbox, f"--user-data-dir={profile}", f"--window-size={view.width},{view.height}"]
        process = await asyncio.create_subprocess_exec(
            browser,
            *words,
            f"--screenshot={picture.absolute()}",
            view.url,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _SECONDS)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
