"""When an email is tried again, and when it has failed."""

from datetime import datetime, timedelta

import pytest

from notifier_service.decisions.notification import (
    Delivered,
    DeliveryResult,
    EarlierAttempts,
    Failed,
    Interrupted,
    RetryLater,
)
from notifier_service.delivery.attempt import Attempted, result_of
from notifier_service.delivery.backoff import reconnect_seconds
from notifier_service.delivery.smtp.stages import StepMeaning
from tests.kit.cases import cases
from tests.unit.notifier.samples import NOON

REASON = "451 4.3.0 try again later"
BUSY = Attempted(StepMeaning.TRY_LATER, REASON)
DAY = timedelta(hours=24)


def refused(attempts: int, *, jitter: float = 0.0, now: datetime = NOON) -> DeliveryResult:
    return result_of(BUSY, EarlierAttempts(count=attempts - 1, first_at=NOON), now=now, jitter=jitter)


def retried(at: datetime) -> RetryLater:
    return RetryLater(at, REASON)


def test_an_accepted_email_is_delivered() -> None:
    attempt = Attempted(StepMeaning.DELIVERED, "250 2.0.0 queued")
    assert result_of(attempt, EarlierAttempts(), now=NOON, jitter=0.0) == Delivered("250 2.0.0 queued")


def test_a_final_refusal_is_never_tried_again() -> None:
    attempt = Attempted(StepMeaning.REFUSED, "550 5.1.1 no such user")
    expected = Failed("550 5.1.1 no such user", attempted=True)
    assert result_of(attempt, EarlierAttempts(), now=NOON, jitter=0.0) == expected


def test_what_nobody_can_know_is_counted_and_waits_like_a_temporary_refusal() -> None:
    attempt = Attempted(StepMeaning.TRIED, "the connection broke (at the final dot)")
    earlier = EarlierAttempts(count=1, first_at=NOON)
    assert result_of(attempt, earlier, now=NOON, jitter=0.0) == RetryLater(NOON + timedelta(minutes=2), attempt.reason)
    assert result_of(attempt, earlier, now=NOON + DAY, jitter=0.0) == Failed(attempt.reason, attempted=True)


@cases(("interruptions", "seconds"), [(0, 0.5), (1, 1), (4, 8), (5, 15), (5000, 15)])
def test_what_broke_before_the_relay_had_it_pauses_in_real_time_and_counts_nothing(
    interruptions: int, seconds: float
) -> None:
    attempt = Attempted(StepMeaning.INTERRUPTED, "the connection broke (at RCPT)")
    earlier = EarlierAttempts(count=3, first_at=NOON, interruptions=interruptions)
    assert result_of(attempt, earlier, now=NOON + DAY, jitter=0.0) == Interrupted(seconds, attempt.reason)


@cases(("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (5000, 60)])
def test_waits_double_from_a_minute_to_an_hour(attempts: int, minutes: int) -> None:
    assert refused(attempts) == retried(NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize(("jitter", "seconds"), [(-1.0, 48), (1.0, 72)])
def test_jitter_spreads_a_wait_by_a_fifth(jitter: float, seconds: int) -> None:
    assert refused(1, jitter=jitter) == retried(NOON + timedelta(seconds=seconds))


def test_the_last_attempt_falls_on_the_end_of_the_day() -> None:
    assert refused(30, now=NOON + DAY - timedelta(minutes=5)) == retried(NOON + DAY)


def test_a_day_after_the_first_attempt_it_has_failed() -> None:
    assert refused(31, now=NOON + DAY - timedelta(seconds=1)) == retried(NOON + DAY)
    assert refused(31, now=NOON + DAY) == Failed("451 4.3.0 try again later", attempted=True)


def test_an_unreachable_relay_is_connected_to_again_in_growing_waits() -> None:
    assert [reconnect_seconds(n, 0.0) for n in (1, 2, 3, 5, 6, 1000)] == [0.5, 1.0, 2.0, 8.0, 15.0, 15.0]
    assert reconnect_seconds(1, -1.0) == pytest.approx(0.4)
    assert reconnect_seconds(9, 1.0) == 15.0
