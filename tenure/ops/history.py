"""Counts by hour over the last 30 days, and the latest things one by one. Pure.

An hour is that of the record's timestamp on its topic, in real time and UTC.
"""

from collections import Counter
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

HOUR_MS: Final = 3_600_000
KEPT_HOURS: Final = 30 * 24
"""As long as the lifecycle topic keeps its events."""
KEPT_LATEST: Final = 1_000
"""So many things of a kind can be listed one by one."""


class HourlyCounts(msgspec.Struct):
    """Hour since 1970 -> word -> how many."""

    hours: dict[int, dict[str, int]] = msgspec.field(default_factory=dict)

    def add(self, word: str, at_ms: int) -> None:
        """Count one at an instant (ms since 1970)."""
        of_hour = self.hours.setdefault(at_ms // HOUR_MS, {})
        of_hour[word] = of_hour.get(word, 0) + 1

    def since(self, hours: int, now_ms: int) -> Counter[str]:
        """Word -> how many in the last so many hours, the one that runs included."""
        first = now_ms // HOUR_MS - hours + 1
        found: Counter[str] = Counter()
        for hour, words in self.hours.items():
            if hour >= first:
                found.update(words)
        return found

    def forget(self, now_ms: int) -> None:
        """Let go what is older than `KEPT_HOURS`."""
        first = now_ms // HOUR_MS - KEPT_HOURS + 1
        for hour in [hour for hour in self.hours if hour < first]:
            del self.hours[hour]


class Rejection(msgspec.Struct, frozen=True, array_like=True):
    """An order that was refused (R41). `at_ms`: when it came on the topic."""

    at_ms: int
    account_id: str
    code: str
    order_type: str
    order_id: str | None


class FailedAttempt(msgspec.Struct, frozen=True, array_like=True):
    """The last attempt of an automatic renewal that failed (R25)."""

    at_ms: int
    version: int
    attempt: int
    fee: str
    discount: str
    shortfall: str


class MailOutcome(msgspec.Struct, frozen=True, array_like=True):
    """An email that did not arrive, or was suppressed."""

    at_ms: int
    outcome: str
    account_id: str
    notification_id: str
    kind: str
    reason: str


class DeadLetter(msgspec.Struct, frozen=True, array_like=True):
    """A dead letter, by where it lies. Nothing of its content is kept: it is read from the topic when looked into."""

    at_ms: int
    name: str
    reason: str
    detail: str
    source: str
    account_id: str


class Latest(msgspec.Struct):
    """The latest things of each kind, oldest first, at most `KEPT_LATEST` of each."""

    rejections: list[Rejection] = msgspec.field(default_factory=list)
    mails: list[MailOutcome] = msgspec.field(default_factory=list)
    dead_letters: list[DeadLetter] = msgspec.field(default_factory=list)


def keep(latest: list[T], one: T) -> None:
    """Add one thing; the oldest go now and then."""
    latest.append(one)
    if len(latest) > 2 * KEPT_LATEST:
        del latest[:-KEPT_LATEST]
