"""The process's log, on standard error: as text or as JSON, without the repetitions of libraries."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

from shared.runtime.settings import Settings

_ERRORS_ONLY: Final = ("aiokafka", "alembic", "httpx", "uvicorn")
"""Libraries whose warnings say nothing that our own log does not."""
_REPEAT_SECONDS: Final = 30


def configure_logging(settings: Settings) -> None:
    """Set up the root logger by `TENURE_LOG_FORMAT` and `TENURE_LOG_LEVEL`. Called once, by `start`."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RepeatFilter("aiokafka"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    for library in _ERRORS_ONLY:
        logging.getLogger(library).setLevel(logging.ERROR)


class RepeatFilter(logging.Filter):
    """Lets one library log from the same line of code at most once in 30 s: it retries many times per second."""

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._logged_at: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; those of other libraries always are."""
        if record.name.partition(".")[0] != self._library:
            return True
        line = (record.pathname, record.lineno)
        if record.created - self._logged_at.get(line, 0) < _REPEAT_SECONDS:
            return False
        self._logged_at[line] = record.created
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `time`, `level`, `logger`, `message`, and `trace` where there is a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break inside."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
