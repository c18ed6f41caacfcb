"""Writing results: as JSON, and as a table between the markers of a page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_END: Final = "<!-- end of results -->"


def write_json(file: Path, found: Mapping[str, Any]) -> None:
    """Write the results, in a folder that may not be there yet."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def write_page(page: Path, command: str, text: str) -> None:
    """Put the table between the page's markers; `command` stands in the first of them."""
    begin = f"<!-- results: written by `{command}` -->"
    head, _, rest = page.read_text().partition(begin)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{begin}\n{text}\n{_END}{tail}")
