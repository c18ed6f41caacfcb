"""Cells of CSV that people open in a spreadsheet program.

It takes a text for a formula by its first character, and a customer chooses what stands in a name (CSV injection). As
OWASP advises, such a text begins with an apostrophe. JSON has everything as it is.
"""

import re
from typing import Final

_begins_as_a_formula: Final = re.compile(r"[=+@\t\r\n＝＋－＠-]").match
_is_plain: Final = re.compile(r"[A-Za-z0-9._:-]*").fullmatch
"""Numbers, ids, days and instants: nothing can be called or linked to with these characters alone."""


def without_formula(cell: object) -> object:
    """The cell as text where it would be a formula; otherwise as it is."""
    if isinstance(cell, str) and _begins_as_a_formula(cell) and not _is_plain(cell):
        return f"'{cell}"
    return cell
