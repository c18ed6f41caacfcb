"""A bound on the lines of the log: no flood, and a count of what was left out."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from shared.runtime.line_limit import LIBRARY_LINES, LINES, SECONDS, LineLimit
from shared.runtime.log_lines import LEFT_OUT, LogLine, LogMessage

FLOOD = LogLine("flood", logging.WARNING, "again")
OTHER = LogLine("other", logging.INFO, "something else")


@pytest.fixture
def limit() -> Iterator[LineLimit]:
    made = LineLimit()
    yield made
    made.close()


def record(message: object, at: float, line: int = 7) -> logging.LogRecord:
    made = logging.LogRecord("aiokafka", logging.ERROR, "client.py", line, message, (), None)
    made.created = at
    return made


def left_out(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    messages = [each.msg for each in caplog.records if isinstance(each.msg, LogMessage) and each.msg.line is LEFT_OUT]
    return [dict(each.fields()) for each in messages]


@pytest.mark.slow
def test_a_million_lines_of_a_kind_are_a_hundred_and_their_number(
    limit: LineLimit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Timer, "start", lambda _: None)  # they are of one instant, however long they take
    flood = record(FLOOD.of(), 1000)
    assert Counter(limit.filter(flood) for _ in range(1_000_000)) == {True: LINES, False: 1_000_000 - LINES}
    limit.close()
    assert left_out(caplog) == [{"of_kind": "flood", "lines": 1_000_000 - LINES, "seconds": SECONDS}]


def test_other_kinds_are_logged_meanwhile_and_the_count_itself_always(limit: LineLimit) -> None:
    for _ in range(2 * LINES):
        limit.filter(record(FLOOD.of(), 1000))
    assert limit.filter(record(OTHER.of(), 1000))
    assert all(limit.filter(record(LEFT_OUT.of(), 1000)) for _ in range(2 * LINES))


def test_what_stays_within_the_bound_is_all_logged(limit: LineLimit, caplog: pytest.LogCaptureFixture) -> None:
    for window in range(5):
        assert all(limit.filter(record(FLOOD.of(), 1000 + window * SECONDS)) for _ in range(LINES))
    limit.close()
    assert left_out(caplog) == []


def test_the_count_is_said_when_the_time_is_over_though_nothing_else_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limit = LineLimit(seconds=0.05)
    for _ in range(LINES + 3):
        limit.filter(record(FLOOD.of(), 1000))
    timer = limit._windows["flood"].timer
    assert timer is not None
    timer.join(10)
    assert left_out(caplog) == [{"of_kind": "flood", "lines": 3, "seconds": 0.1}]
    assert limit.filter(record(FLOOD.of(), 1000))


def test_details_that_are_left_out_are_not_counted(limit: LineLimit, caplog: pytest.LogCaptureFixture) -> None:
    detail = record("away", 1000)
    detail.levelno = logging.DEBUG
    assert sum(limit.filter(detail) for _ in range(50)) == LIBRARY_LINES
    limit.close()
    assert left_out(caplog) == []


def test_a_library_is_bounded_for_each_line_of_its_code(limit: LineLimit) -> None:
    assert sum(limit.filter(record("away", 1000)) for _ in range(50)) == LIBRARY_LINES
    assert limit.filter(record("away", 1000, line=8))
