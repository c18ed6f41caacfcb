"""When a mail is tried again, and when it is given up."""

from datetime import datetime, timedelta

import pytest

from notifier_service.delivery.backoff import GiveUp, Reply, RetryAt, after, unreachable
from tests.unit.notifier.samples import NOON

BUSY = Reply(451, "4.3.0 try again later")
DAY = timedelta(hours=24)


def retry(attempts: int, *, jitter: float = 0.0, now: datetime = NOON) -> RetryAt | GiveUp:
    return after(BUSY, attempts=attempts, first_attempt_at=NOON, now=now, jitter=jitter)


def test_a_final_refusal_is_never_tried_again() -> None:
    reply = Reply(550, "5.1.1 no such user")
    assert after(reply, attempts=1, first_attempt_at=NOON, now=NOON, jitter=0.0) == GiveUp("550 5.1.1 no such user")


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (5000, 60)])
def test_waits_double_from_a_minute_to_an_hour(attempts: int, minutes: int) -> None:
    assert retry(attempts) == RetryAt(NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize(("jitter", "seconds"), [(-1.0, 48), (1.0, 72)])
def test_chance_spreads_a_wait_by_a_fifth(jitter: float, seconds: int) -> None:
    assert retry(1, jitter=jitter) == RetryAt(NOON + timedelta(seconds=seconds))


def test_the_last_attempt_falls_on_the_end_of_the_day() -> None:
    assert retry(30, now=NOON + DAY - timedelta(minutes=5)) == RetryAt(NOON + DAY)


def test_a_day_after_the_first_attempt_it_is_given_up() -> None:
    assert retry(31, now=NOON + DAY - timedelta(seconds=1)) == RetryAt(NOON + DAY)
    assert retry(31, now=NOON + DAY) == GiveUp("451 4.3.0 try again later")


def test_a_reason_is_one_line_without_an_address() -> None:
    reply = Reply(550, "5.1.1 <ada@example.com>: unknown\r\n550 user\x00 ada@example.com " + "x" * 400)
    assert reply.reason.startswith("550 5.1.1 <[address]>: unknown 550 user [address] xxx")
    assert "\n" not in reply.reason
    assert "ada" not in reply.reason
    assert len(reply.reason) <= 300


def test_an_unreachable_relay_is_tried_again_in_growing_waits() -> None:
    assert [unreachable(n, 0.0) for n in (1, 2, 3, 5, 6, 1000)] == [0.5, 1.0, 2.0, 8.0, 15.0, 15.0]
    assert unreachable(1, -1.0) == pytest.approx(0.4)
    assert unreachable(9, 1.0) == 15.0
