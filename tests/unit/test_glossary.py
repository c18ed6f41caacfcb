"""The glossary: its words are in order and stand once, and every name that it gives stands in the code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "glossary.md"
PACKAGES: Final = ("shared", "subscription_service", "notifier_service")
ROW: Final = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \|(?P<names>[^|]*)\|$")


def tables() -> Iterator[list[re.Match[str]]]:
    """The rows of each section, without the heads."""
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        yield [row for line in section.splitlines() if (row := ROW.match(line)) and row["word"] != "word"]


def test_the_words_of_a_section_are_in_order() -> None:
    for rows in tables():
        words = [row["word"].lower() for row in rows]
        assert words == sorted(words)


def test_every_row_has_three_cells_and_every_word_stands_once() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "| word |" not in line]
    words = [row["word"] for rows in tables() for row in rows]
    assert len(words) == len(set(words)) == len(lines)


def test_every_name_stands_in_the_code() -> None:
    names = [name for rows in tables() for row in rows for name in re.findall(r"`([^`]+)`", row["names"])]
    sources = "\n".join(path.read_text("utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    words = set(re.findall(r"\w+", sources))
    assert len(names) > 50
    assert [name for name in names if name not in words and not re.search(rf"\b{re.escape(name)}\b", sources)] == []
