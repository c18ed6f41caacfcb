"""Waits in the log: said at their beginning, then seldom, and at their end with their length."""

import logging
from typing import Any

import pytest

from shared.runtime.health import Health
from shared.runtime.log_lines import GOES_ON, WAITING, WAITING_AT_START, LogLine, LogMessage
from shared.runtime.waits import AGAIN_SECONDS, APART_SECONDS, START_SECONDS, WaitLog


class Told:
    """A wait log on a clock of the test's own, and the lines that it wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1000.0
        self.log = WaitLog(lambda: self.now)
        self._caplog = caplog
        caplog.set_level(logging.INFO)

    def lines(self) -> list[tuple[LogLine, dict[str, Any]]]:
        """Those since the last look."""
        found = [
            (each.msg.line, dict(each.msg.fields()))
            for each in self._caplog.records
            if isinstance(each.msg, LogMessage)
        ]
        self._caplog.clear()
        return found

    def works(self) -> None:
        """As at a start that had everything."""
        self.log.goes_on("topics")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(caplog)


def test_a_wait_is_said_once_at_its_beginning_and_once_at_its_end_with_its_length(told: Told) -> None:
    told.works()
    for _ in range(50):
        told.log.waits("topics", "Kafka is away")
        told.now += 1
    told.log.goes_on("topics")
    told.log.goes_on("topics")
    assert told.lines() == [
        (WAITING, {"component": "topics", "reason": "Kafka is away", "seconds": 0.0}),
        (GOES_ON, {"component": "topics", "seconds": 50.0}),
    ]


def test_a_wait_that_lasts_is_said_again_each_minute_with_its_present_reason(told: Told) -> None:
    told.works()
    told.log.waits("topics", "refused")
    told.lines()
    told.now += AGAIN_SECONDS - 0.1
    told.log.waits("topics", "starting")
    assert told.lines() == []
    told.now += 0.1
    told.log.waits("topics", "starting")
    assert told.lines() == [(WAITING, {"component": "topics", "reason": "starting", "seconds": AGAIN_SECONDS})]


def test_at_a_start_a_short_wait_is_no_warning_and_a_longer_one_is(told: Told) -> None:
    told.log.waits("topics", "away")
    told.now += START_SECONDS
    told.log.waits("topics", "away")
    assert [line for line, _ in told.lines()] == [WAITING_AT_START, WAITING]
    told.log.goes_on("topics")
    assert [line for line, _ in told.lines()] == [GOES_ON]


def test_waits_that_follow_each_other_closely_are_counted_and_said_with_the_next_line(told: Told) -> None:
    told.works()
    for _ in range(20):
        told.log.waits("topics", "away")
        told.now += 0.1
        told.log.goes_on("topics")
    assert [line for line, _ in told.lines()] == [WAITING, GOES_ON]
    told.now += APART_SECONDS
    told.log.waits("topics", "away")
    assert told.lines() == [(WAITING, {"component": "topics", "reason": "away", "seconds": 0.0, "shorter_waits": 19})]


def test_a_wait_soon_after_another_one_is_said_when_it_lasts(told: Told) -> None:
    told.works()
    told.log.waits("topics", "away")
    told.log.goes_on("topics")
    told.lines()
    told.log.waits("topics", "away again")
    assert told.lines() == []
    told.now += APART_SECONDS
    told.log.waits("topics", "away again")
    told.log.goes_on("topics")
    assert [line for line, _ in told.lines()] == [WAITING, GOES_ON]


def test_components_wait_apart_from_each_other(told: Told) -> None:
    told.log.waits("topics", "away")
    told.log.waits("database", "away")
    assert [fields["component"] for _, fields in told.lines()] == ["topics", "database"]


def test_health_tells_the_log_in_its_own_words_where_the_reason_is_not_ours(told: Told) -> None:
    health = Health("mail", "lag")
    health.mark_ready("mail")
    health.mark_unready("mail", "554 go away, Ada", in_log="554")
    health.mark_unready("lag", "not known", in_log="")
    assert dict(health.unready) == {"mail": "554 go away, Ada", "lag": "not known"}
    assert told.lines() == [(WAITING, {"component": "mail", "reason": "554", "seconds": 0.0})]
