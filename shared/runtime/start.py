"""From a bare process to a running service, with an honest exit code and a sentence where it cannot start."""

import asyncio
import gc
import json
import logging
import sys
from datetime import UTC, datetime

import uvloop

from shared.runtime.components import Service
from shared.runtime.errors import Alarm
from shared.runtime.service import run
from shared.runtime.settings import BadSettings, Settings, load

CANNOT_START = 2
ALARMED = 3

_SELDOM_SECONDS = 30


def start(service: Service) -> int:
    """Run until told to stop. 0: told to stop; 2: settings, policy or catalog are wrong; 3: a person must look."""
    try:
        settings = load()
        _log(settings)
        _collect_less()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(service, settings))
    except BadSettings as bad:
        sys.stderr.write(f"{bad}\n")
        return CANNOT_START
    except Alarm as alarm:
        sys.stderr.write(f"{alarm}\n")
        return ALARMED
    return 0


def _collect_less() -> None:
    """A batch makes many objects and no cycles: looking for cycles as often as Python does took a fifth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _log(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(_Json())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Seldom("aiokafka"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    for noisy in ("aiokafka", "alembic", "aiosmtplib", "httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


class Seldom(logging.Filter):
    """A library that tries again many times a second says the same but once in half a minute."""

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is somebody else's, or was not said from this very line of code just now."""
        if record.name.partition(".")[0] != self._library:
            return True
        place = (record.pathname, record.lineno)
        if record.created - self._said.get(place, 0) < _SELDOM_SECONDS:
            return False
        self._said[place] = record.created
        return True


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger and message, and the traceback where there is one."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
