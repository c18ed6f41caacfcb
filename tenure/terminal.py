"""What the commands print: text from outside made harmless, rows made a table."""

from collections.abc import Sequence
from typing import Final

_GAP: Final = "  "


def harmless(text: str) -> str:
    """What came from outside must not steer the terminal."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest text; the last one runs free."""
    lines = [head, *([harmless(" ".join(cell.split())) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
