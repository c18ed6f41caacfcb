"""How a command fails: with one sentence on stderr and an exit code, never with a traceback for what is expected."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

GOES_ON: Final = "the same command goes on where this one stopped"
_INTERRUPTED: Final = 130


class Failed(typer.TyperException):
    """Ends the command. `main` prints `<command>: <message>` to stderr and returns `exit_code`."""

    def __init__(self, command: str, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.command = command
        self.exit_code = exit_code


@contextmanager
def failing(command: str, *expected: type[Exception], exit_code: int = 1) -> Iterator[None]:
    """Turn these exceptions into the failure of this command, such as `tenure audit`."""
    try:
        yield
    except expected as error:
        raise Failed(command, _sentence(error), exit_code) from error


@contextmanager
def going_on_when_repeated(command: str) -> Iterator[None]:
    """Say on Ctrl-C that the same command goes on where it was interrupted."""
    with interruptible(command, GOES_ON):
        yield


@contextmanager
def interruptible(command: str, what_then: str) -> Iterator[None]:
    """Say on Ctrl-C how things stand."""
    try:
        yield
    except KeyboardInterrupt:
        raise Failed(command, f"interrupted; {what_then}", _INTERRUPTED) from None


@contextmanager
def writing(command: str, file: Path, what_then: str) -> Iterator[None]:
    """Say of a file that cannot be written which it is, and how things stand: a full disk names no file."""
    try:
        yield
    except OSError as error:
        raise Failed(command, f"{file}: {error.strerror}; {what_then}") from error


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or repr(error)
