"""The process's log: one JSON object per line, and a library that repeats itself is logged once in 30 s."""

import json
import logging
import sys

import pytest

from shared.runtime.logging import JsonFormatter, RepeatFilter


def record(name: str, line: int, at: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, "client.py", line, "Unable to connect to %s", ("1",), None)
    made.created = at
    return made


def test_a_library_that_retries_is_logged_once_in_half_a_minute_per_line_of_its_code() -> None:
    repeats = RepeatFilter("aiokafka")
    logged = [at for at in range(1000, 1090) if repeats.filter(record("aiokafka.client", 7, at))]
    assert logged == [1000, 1030, 1060]
    assert repeats.filter(record("aiokafka.client", 8, 1089))


@pytest.mark.parametrize("name", ["shared.runtime.retry", "aiokafkaesque"])
def test_whatever_others_repeat_is_always_logged(name: str) -> None:
    repeats = RepeatFilter("aiokafka")
    assert all(repeats.filter(record(name, 7, at)) for at in (1000, 1000, 1001))


def test_a_json_line_has_time_level_logger_message_and_traceback() -> None:
    logged = record("shared.runtime.retry", 7, 0)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logged.exc_info = sys.exc_info()
    line = JsonFormatter().format(logged)
    assert "\n" not in line
    found = json.loads(line)
    assert found.pop("trace").endswith("ValueError: two\nlines")
    assert found == {
        "time": "1970-01-01T00:00:00+00:00",
        "level": "error",
        "logger": "shared.runtime.retry",
        "message": "Unable to connect to 1",
    }
