"""A bound on the lines of the log: so many of a kind in a while, then only their number.

A million dead letters are a number and a hundred examples; each of them is on its topic.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Final

from shared.runtime.log_lines import LEFT_OUT, LIBRARY, LogMessage

LINES: Final = 100
"""Of one kind (of a library: from one line of its code 5) in `SECONDS`; the others are counted."""
LIBRARY_LINES: Final = 5
SECONDS: Final = 10.0


@dataclass(slots=True)
class _Window:
    """`began`: wall clock seconds."""

    began: float
    taken: int = 0
    left_out: int = 0
    timer: threading.Timer | None = None


class LineLimit(logging.Filter):
    """Lets lines pass within the bound; says how many it left out when their ten seconds are over."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        message = record.msg if isinstance(record.msg, LogMessage) else None
        if message and message.line is LEFT_OUT:
            return True
        kind = message.line.kind if message else f"{LIBRARY.kind} {record.name}:{record.lineno}"
        with self._lock:
            window = self._window(kind, record.created)
            if window.taken < (LINES if message else LIBRARY_LINES):
                window.taken += 1
                return True
            if record.levelno > logging.DEBUG:  # details repeat themselves
                self._leave_out(kind, window)
            return False

    def close(self) -> None:
        """Say now what was left out."""
        for kind in list(self._windows):
            self._end(kind)

    def _window(self, kind: str, now: float) -> _Window:
        """The window of now; one in which lines were left out ends by its timer."""
        window = self._windows.get(kind)
        if window is None or (not window.left_out and not 0 <= now - window.began < self._seconds):
            window = self._windows[kind] = _Window(now)
        return window

    def _leave_out(self, kind: str, window: _Window) -> None:
        window.left_out += 1
        if window.timer is None:
            window.timer = threading.Timer(self._seconds, self._end, (kind,))
            window.timer.daemon = True
            window.timer.start()

    def _end(self, kind: str) -> None:
        with self._lock:
            window = self._windows.pop(kind, None)
        if window and window.left_out:
            if window.timer:
                window.timer.cancel()
            LEFT_OUT.say(of_kind=kind, lines=window.left_out, seconds=self._seconds)


def message_of(record: logging.LogRecord) -> LogMessage:
    """Our own line, or a library's as one of ours: errors among its arguments are shown by their type."""
    if isinstance(record.msg, LogMessage):
        return record.msg
    if isinstance(record.args, tuple):
        record.args = tuple(type(each).__name__ if isinstance(each, BaseException) else each for each in record.args)
    error = record.exc_info[1] if record.exc_info else None
    return LIBRARY.of(error, logger=record.name, text=_text(record))


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit the library's own text
        return str(record.msg)
