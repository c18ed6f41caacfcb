"""What will happen to an account and when, if nothing else comes: its timers, run ahead on a copy.

`next_timer` and `step` are the functions that run the timers for real, so forecast and reality cannot differ.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from shared.contracts import lifecycle, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.model import Account, VersionStamp
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.step import step
from subscription_service.domain.timers import Timer, TimerKind, next_timer

HORIZON: Final = timedelta(days=5 * 365)
_NO_STAMP: Final = VersionStamp(datetime.min.replace(tzinfo=UTC), "", "")  # for timers, which bring no facts

Following: TypeAlias = Callable[[Account, Policy], Timer | None]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One instant (UTC) with the first kind due at it; `details`: fields of the events that will come, by wire name."""

    at: datetime
    kind: TimerKind
    details: Mapping[str, Any] = field(default_factory=dict)


class Foreseen(NamedTuple):
    """What happens at one instant. `before`: the account as it is until then."""

    before: Account
    timer: Timer
    events: tuple[LifecycleData, ...]


def timeline(account: Account, *, now: datetime, rules: Rules, limit: int = 50) -> tuple[TimelineEntry, ...]:
    """The next `limit` entries within `HORIZON` of `now` (UTC), up to the release."""
    ahead = islice(run_ahead(account, now=now, until=now + HORIZON, rules=rules), limit)
    return tuple(TimelineEntry(timer.at, timer.kind, _details(events)) for _, timer, events in ahead)


def run_ahead(
    account: Account, *, now: datetime, until: datetime, rules: Rules, following: Following = next_timer
) -> Iterator[Foreseen]:
    """What happens by itself up to `until` (UTC), one instant after the other. `now`: the service clock (UTC).

    `following`: which timer is next, for callers whom not all of them concern.
    """
    while (timer := following(account, rules.policy)) is not None and timer.at <= until:
        time = DecisionTime(at=timer.at, now=max(now, timer.at))
        result = step(account, timer, time=time, stamp=_NO_STAMP, rules=rules)
        yield Foreseen(account, timer, result.events)
        account = result.account


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
