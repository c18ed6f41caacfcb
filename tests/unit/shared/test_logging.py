"""The process's log: one line per record in both formats, and errors shown by their types and places alone."""

import asyncio
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from shared.runtime import logging as our_logging
from shared.runtime.line_limit import message_of
from shared.runtime.log_lines import LIBRARY, LogLine
from shared.runtime.logging import DetailsAtDebug, JsonFormatter, TextFormatter, configure_logging, log_unhandled
from shared.runtime.settings import Settings
from tests.kit.cases import cases

SECRET = "s3cret"
HAPPENED = LogLine("happened", logging.WARNING, "something happened", ("what", "seconds", "where"))


def record(message: object, *args: object, error: BaseException | None = None, name: str = "library") -> Any:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord(name, logging.ERROR, "client.py", 7, message, args, exc_info)
    made.created = 0.25
    return made


def raised() -> Exception:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise ValueError(f"{SECRET}\nDETAIL: Failing row contains ({SECRET})") from cause
    except ValueError as error:
        return error


def test_a_line_of_text_has_time_level_kind_sentence_and_fields() -> None:
    happened = HAPPENED.of(what="x-1", seconds=1.26, where="over there", left_out="no field")
    line = TextFormatter().format(record(happened))
    assert line == (
        '1970-01-01T00:00:00.250+00:00 ERROR happened: something happened what=x-1 seconds=1.3 where="over there"'
    )


def test_a_line_of_json_has_the_same_as_names_and_values() -> None:
    line = json.loads(JsonFormatter().format(record(HAPPENED.of(what="x\ny", seconds=3))))
    assert line == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "error",
        "kind": "happened",
        "message": "something happened",
        "what": "x\ny",
        "seconds": 3,
    }


@cases("value", ["two\nlines", "a\x1b[31m", "x\r2026 INFO forged", "\u202e", 'quo"te'])
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    line = TextFormatter().format(record(HAPPENED.of(what=value)))
    assert line.isprintable()
    assert json.loads(line.partition("what=")[2]) == value


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
@pytest.mark.parametrize("ours", [True, False])
def test_an_error_is_shown_by_types_and_places_without_its_message(formatter: logging.Formatter, ours: bool) -> None:
    error = raised()
    line = formatter.format(record(HAPPENED.of(error)) if ours else record("failed: %s", error, error=error))
    assert SECRET not in line
    assert "ValueError < KeyError" in line
    assert "test_logging.py:" in line
    assert " raised" in line


@pytest.mark.parametrize(
    ("message", "args", "text"),
    [
        ("Unable to connect to %s: %s", ("h:1", OSError(SECRET)), "Unable to connect to h:1: OSError"),
        ("%d of them", ("x",), "%d of them"),
        ("plain %", (), "plain %"),
    ],
)
def test_what_a_library_says_is_one_line_without_messages_of_errors(message: str, args: Any, text: str) -> None:
    logged = message_of(record(message, *args))
    assert logged.line is LIBRARY
    assert logged.fields() == {"logger": "library", "text": text}


def test_what_gives_a_value_is_asked_only_when_the_line_is_written() -> None:
    asked: list[int] = []

    def value() -> str:
        asked.append(1)
        return "late"

    happened = HAPPENED.of(what=value)
    assert asked == []
    assert happened.fields() == {"what": "late"}


@pytest.mark.parametrize(("level", "wanted"), [("DEBUG", True), ("INFO", False), ("ERROR", False)])
def test_what_the_kafka_client_repeats_by_itself_is_a_detail_for_debug(level: str, wanted: bool) -> None:
    line = record("Unable to connect", name="aiokafka.client")
    assert DetailsAtDebug(level).filter(line) is wanted
    assert line.levelname == "DEBUG"
    fault = record("Unexpected error", error=ValueError(), name="aiokafka.client")
    assert DetailsAtDebug(level).filter(fault)
    assert fault.levelname == "ERROR"
    assert DetailsAtDebug(level).filter(record("x", name="aiokafkaesque"))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What our own logger was given, in the text format."""
    written: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(TextFormatter().format(record))

    handler = Keeping()
    logging.getLogger("tenure").addHandler(handler)
    yield written
    logging.getLogger("tenure").removeHandler(handler)


async def test_an_event_loop_tells_of_an_error_without_message_or_arguments(lines: list[str]) -> None:
    context = {"message": f"Exception in callback <function f({SECRET!r})>", "exception": raised()}
    log_unhandled(asyncio.get_running_loop(), context)
    [line] = lines
    assert SECRET not in line
    assert 'where="Exception in callback"' in line


def test_python_itself_writes_nothing_beside_the_log(
    monkeypatch: pytest.MonkeyPatch, lines: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    for place in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook"), (warnings, "showwarning")):
        monkeypatch.setattr(*place, getattr(*place))
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    configure_logging(Settings())
    error = raised()
    sys.excepthook(type(error), error, error.__traceback__)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = our_logging._log_warning  # type: ignore[assignment]
        warnings.warn(SECRET, UserWarning, stacklevel=1)
    assert [SECRET in line for line in lines] == [False, False]
    assert "UserWarning at " in lines[1]
    assert capfd.readouterr().err == ""
