"""What the commands print: plain lines, tables, JSON and a sign of life while something takes long.

Results go to stdout, everything else to stderr. Where a stream is a terminal, Rich gives it colours and fits tables to
its width; elsewhere output is plain, one row per line. When a reader goes away (`| head -1`) or the terminal is
closed, the command prints nothing more, goes on to its end and keeps its exit code.

The only module that knows Rich.
"""

import csv
import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.runtime.csv_cells import without_formula

_GONE: Final = (errno.EPIPE, errno.EIO)
"""The reader of a pipe has closed it; the terminal is closed."""
_WIDTH_OF_A_FILE: Final = 100_000


def say(*parts: str | tuple[str, str]) -> None:
    """Print one line to stdout. A part is text, or (text, style) with a style of Rich's such as `bold green`."""
    if all(isinstance(part, str) for part in parts):
        _print("".join(str(part) for part in parts), sys.stdout)
        return
    with _until_closed(sys.stdout):
        _console(sys.stdout).print(Text.assemble(*parts), soft_wrap=True)


def complain(line: str) -> None:
    """Print one line to stderr."""
    _print(line, sys.stderr)


def say_json(document: Any) -> None:
    """Print a JSON document to stdout, in ASCII: what came from outside cannot steer the terminal."""
    _print(json.dumps(document, indent=2), sys.stdout)


def say_json_array(documents: Iterable[Any]) -> None:
    """Print an array of JSON documents to stdout, each as soon as it is there."""
    before = "["
    for document in documents:
        _print(f"{before}\n  {json.dumps(document)}", sys.stdout, end="")
        before = ","
    _print("[]" if before == "[" else "\n]", sys.stdout)


def say_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below a head; text from outside may stand in them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(" ".join(cell.split()))) for cell in row))
    console = _console(sys.stdout)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        _print(line.rstrip(), sys.stdout)


def say_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below a head as CSV (RFC 4180, with line feeds); None is an empty cell, and no cell is a formula."""
    for row in (head, *rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(map(without_formula, row))
        _print(line.getvalue(), sys.stdout)


def ask(question: str) -> bool:
    """Ask on stderr and read the answer from stdin: whether it is yes. Where nobody answers, it is not."""
    with _until_closed(sys.stderr):
        print(f"{harmless(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline() if sys.stdin else ""  # None where it is closed, as under many a scheduler
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def working(describe: Callable[[], str]) -> Iterator[None]:
    """Show on stderr, while the block runs, what `describe` returns at each moment; only where that is a terminal."""
    console = _console(sys.stderr)
    if not console.is_terminal:
        yield
        return
    with console.status(_Live(describe)):
        yield


def harmless(text: str) -> str:
    """The text without characters that steer a terminal; line breaks and tabs stay."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def _print(line: str, stream: TextIO, *, end: str = "\n") -> None:
    with _until_closed(stream):
        print(line, file=stream, flush=True, end=end)


class Progress:
    """How much is done: called with the new number by what works, read by what `working` shows."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, done: int) -> None:
        self.done = done


class _Live:
    """Rich draws this several times per second."""

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe

    def __rich__(self) -> Text:
        return Text(self._describe())


class _Plain(Console):
    """A console that raises where Rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Called by Rich in place of the error."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _console(stream: TextIO | None) -> Console:
    width = None if stream is not None and stream.isatty() else _WIDTH_OF_A_FILE
    return _Plain(file=stream, width=width, markup=False, highlight=False, emoji=False)


@contextmanager
def _until_closed(stream: TextIO | None) -> Iterator[None]:
    """Send the stream to nowhere once nobody reads it. Raises `OSError` for anything else, such as a full disk."""
    try:
        yield
    except OSError as error:
        if stream is None or error.errno not in _GONE:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
