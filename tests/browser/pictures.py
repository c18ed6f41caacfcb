"""Pictures of what the tests look at, for people; no test depends on them, and they take most of a page's time."""

import os
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

_NAMED: Final = os.environ.get("TENURE_PICTURES")


def take(page: Page, name: str, *, whole: bool = True) -> None:
    """`<name>.png` of the page, or of its window, in the folder that `TENURE_PICTURES` names; none without it."""
    if _NAMED:
        folder = Path(_NAMED)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=whole)
