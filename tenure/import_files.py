"""Files of an old system's export: CSV, or JSON lines, row by row with the place of each.

Nothing is known here of what the rows mean. What cannot be read is a `Fault` that names file, line and column.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.runtime.counts import counted

_SEPARATORS: Final = ",;\t"
_JSON_SUFFIXES: Final = (".jsonl", ".json", ".ndjson")


@dataclass(frozen=True, slots=True)
class Fault(Exception):
    """What is wrong in a file. `column`: the column, or the field of a JSON object; empty for a whole line."""

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}, line {self.line}{column}: {self.text}"


class Row(NamedTuple):
    """One row of CSV (`values`: field -> text), or one object of JSON lines.

    `column_of`: field -> column, for columns that have another name.
    """

    file: str
    line: int
    values: Mapping[str, Any]
    column_of: Mapping[str, str] = {}

    def fault(self, field: str, text: str) -> Fault:
        """A fault in this row, at the column that the field has in the file."""
        return Fault(self.file, self.line, self.column_of.get(field, field), text)


def is_json(file: Path) -> bool:
    """Whether a file is read as JSON lines; every other one is CSV."""
    return file.suffix.lower() in _JSON_SUFFIXES


def json_rows(file: Path) -> Iterator[Row | Fault]:
    """One row per line that is not empty. Raises `OSError`."""
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if text.strip():
                yield _object(file, number, json.loads(text))
        except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
            yield Fault(str(file), number, "", f"is no JSON ({error})")


def _object(file: Path, line: int, document: Any) -> Row | Fault:
    if isinstance(document, dict):
        return Row(str(file), line, document)
    return Fault(str(file), line, "", "expected a JSON object")


def not_text(file: Path) -> Fault | None:
    """The first line that is not UTF-8; None where all are. Raises `OSError`."""
    with file.open("rb") as lines:
        number = next((number for number, line in enumerate(lines, start=1) if not _is_text(line)), None)
    return None if number is None else Fault(str(file), number, "", "is not UTF-8; save the file as UTF-8")


def _is_text(line: bytes) -> bool:
    """A NUL is no text either: so UTF-16 without its mark is recognized."""
    try:
        return "\0" not in line.decode()
    except UnicodeDecodeError:
        return False


def csv_rows(file: Path, fields_of: Mapping[str, str]) -> Iterator[Row | Fault]:
    """The rows below the head, of UTF-8. `fields_of`: column -> field, for columns that have another name. Raises
    `OSError`.

    After a line that is no CSV nothing more of the file can be read.
    """
    line = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True, delimiter=_separator(file))
            column_of = {name: column for column, name in fields_of.items()}
            head = [fields_of.get(name.strip(), name.strip()) for name in next(reader, ())]
            line = reader.line_num + 1
            name_of_file, width = str(file), len(head)
            for cells in reader:
                if cells and len(cells) == width:
                    yield Row(name_of_file, line, dict(zip(head, map(str.strip, cells), strict=True)), column_of)
                elif cells:
                    text = f"has {counted(len(cells), 'column')}, and the head has {width}"
                    yield Fault(name_of_file, line, "", text)
                line = reader.line_num + 1
    except csv.Error as error:
        yield Fault(str(file), line, "", f"is no CSV ({error})")


def columns(file: Path) -> Sequence[str]:
    """The names in the head of a CSV file; none where it cannot be read. Raises `OSError`."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return [name.strip() for name in next(csv.reader(lines, delimiter=_separator(file)), ())]
    except (UnicodeDecodeError, csv.Error):
        return ()


def _separator(file: Path) -> str:
    """The separator that the head has most of."""
    with file.open("rb") as lines:
        head = lines.readline(65_536).decode("utf-8", "replace")
    return max(_SEPARATORS, key=head.count)
