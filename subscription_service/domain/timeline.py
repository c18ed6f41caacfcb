"""What will happen to an account and when, if nothing else comes: its timers, run ahead on a copy.

`next_timer` and `step` are the functions that run the timers for real, so forecast and reality cannot differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from shared.contracts import lifecycle, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.model import OLDEST_STAMP, Account
from subscription_service.domain.policy import Rules
from subscription_service.domain.step import step
from subscription_service.domain.timers import Timer, TimerKind, next_timer

HORIZON: Final = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One instant (UTC) with the first kind due at it; `details`: fields of the events that will come, by wire name."""

    at: datetime
    kind: TimerKind
    details: Mapping[str, Any] = field(default_factory=dict)


class Foreseen(NamedTuple):
    """What happens at one instant, and the account until then and from then on."""

    before: Account
    timer: Timer
    events: tuple[LifecycleData, ...]
    after: Account


def timeline(account: Account, *, now: datetime, rules: Rules, limit: int = 50) -> tuple[TimelineEntry, ...]:
    """The next `limit` entries within `HORIZON` of `now` (UTC), up to the release."""
    ahead = islice(run_ahead(account, now=now, until=now + HORIZON, rules=rules), limit)
    return tuple(TimelineEntry(one.timer.at, one.timer.kind, _details(one.events)) for one in ahead)


def run_ahead(account: Account, *, now: datetime, until: datetime, rules: Rules) -> Iterator[Foreseen]:
    """What happens by itself up to `until` (UTC), one instant after the other. `now`: the service clock (UTC)."""
    while (timer := next_timer(account, rules.policy)) is not None and timer.at <= until:
        yield (foreseen := foresee(account, timer, now=now, rules=rules))
        account = foreseen.after


def foresee(account: Account, timer: Timer, *, now: datetime, rules: Rules) -> Foreseen:
    """What the account's next timer, or next change, will lead to. `now`: the service clock (UTC)."""
    time = DecisionTime(at=timer.at, now=max(now, timer.at))
    result = step(account, timer, time=time, stamp=OLDEST_STAMP, rules=rules)
    return Foreseen(account, timer, result.events, result.account)


def _details(events: tuple[LifecycleData, ...]) -> Mapping[str, Any]:
    details: dict[str, Any] = {}
    for event in events:
        for name in _DETAILS.get(type(event), ()):
            details[name] = getattr(event, name)
    return details


_DETAILS: Final[Mapping[type[LifecycleData], tuple[str, ...]]] = {
    lifecycle.Renewed: ("order_id", "expires_on", "charged", "balance_after"),
    lifecycle_auto_renewal.AutoRenewalFailed: ("fee", "shortfall", "attempt"),
    lifecycle.SpecificationChanged: ("order_id", "specification"),
    lifecycle_auto_renewal.RenewalUpcoming: ("expires_on", "attempt_at", "quote", "shortfall"),
    lifecycle.RenewalDue: ("expires_on", "days_left"),
    lifecycle.Expired: ("expires_on", "retained_until"),
    lifecycle.ReleaseDue: ("release_at",),
    lifecycle.Released: ("edition",),
}
"""Lifecycle event -> the fields that its timeline entry shows."""
