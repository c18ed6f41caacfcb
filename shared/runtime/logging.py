"""The process's log, on standard error: as text or as JSON, one line per occurrence and never a flood.

Every line is a `LogMessage`: ours as they are, those of libraries as `LIBRARY`. So no way leads around `log_lines`:
errors that nobody handles, warnings of Python and tracebacks are shown without their values too.
"""

import asyncio
import atexit
import json
import logging
import re
import sys
import threading
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, cast

from shared.runtime.line_limit import LineLimit, message_of
from shared.runtime.log_lines import LOGGER, UNHANDLED
from shared.runtime.settings import Settings

_ERRORS_ONLY: Final = ("alembic", "httpx", "uvicorn")
"""Libraries whose warnings say nothing that our own log does not."""
_DETAILS: Final = "aiokafka"
"""Its errors are mostly tries that it repeats by itself. What lasts, our own lines tell as a wait."""
_WORDS: Final = re.compile(r"[A-Za-z' ]*")


def configure_logging(settings: Settings) -> None:
    """Set up the log by `TENURE_LOG_FORMAT` and `TENURE_LOG_LEVEL`. Called once, by `start`.

    The level is that of our own lines; of libraries only warnings and errors are shown.
    """
    handler, level, limit = logging.StreamHandler(sys.stderr), settings.log_level.upper(), LineLimit()
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    handler.addFilter(DetailsAtDebug(level))
    handler.addFilter(limit)
    atexit.register(limit.close)
    logging.basicConfig(level=max(logging.getLevelName(level), logging.WARNING), handlers=[handler])
    LOGGER.setLevel(level)
    for library in _ERRORS_ONLY:
        logging.getLogger(library).setLevel(logging.ERROR)
    _hook()


class DetailsAtDebug(logging.Filter):
    """Shows what `aiokafka` logs as debug lines, where these are wanted; faults with a traceback as they are."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self._wanted = level == "DEBUG"

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.name.partition(".")[0] != _DETAILS or record.exc_info:
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return self._wanted


class TextFormatter(logging.Formatter):
    """`TIME LEVEL kind: sentence name=value …`, then, indented, the places of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = message_of(record)
        return f"{_time(record)} {record.levelname} {message.line.kind}: {message}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `time`, `level`, `kind`, `message`, the fields, and `trace` where there is an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break inside."""
        message = message_of(record)
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "kind": message.line.kind,
            "message": message.line.sentence,
            **message.fields(),
        }
        if message.trace:
            line["trace"] = message.trace
        return json.dumps(line, ensure_ascii=False)


def log_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An event loop's exception handler: asyncio's own shows the error's message and the task's arguments."""
    words = _WORDS.match(context["message"])
    UNHANDLED.say(context.get("exception"), where=words[0].strip() if words else None)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _hook() -> None:
    """Whatever Python itself would write to standard error."""
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda unraisable: UNHANDLED.say(unraisable.exc_value, where="a finalizer")
    threading.excepthook = lambda arguments: UNHANDLED.say(arguments.exc_value, where="a thread")
    warnings.showwarning = cast(Any, _log_warning)


def _log_uncaught(_type: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    UNHANDLED.say(error, where="the process")


def _log_warning(_message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    LOGGER.warning("%s at %s:%d", category.__name__, filename, lineno)
