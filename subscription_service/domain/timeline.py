"""What will happen to an account and when, if nothing else comes: its timers, run ahead on a copy.

`next_timer` and `step` are the functions that run the timers for real, so forecast and reality cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from shared.contracts import lifecycle, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.model import Account, VersionStamp
from subscription_service.domain.policy import Rules
from subscription_service.domain.step import step
from subscription_service.domain.timers import TimerKind, next_timer

HORIZON: Final = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One instant (UTC) with the first kind due at it; `details`: fields of the events that will come, by wire name."""

    at: datetime
    kind: TimerKind
    details: Mapping[str, Any] = field(default_factory=dict)


def timeline(account: Account, *, now: datetime, rules: Rules, limit: int = 50) -> tuple[TimelineEntry, ...]:
    """The next `limit` entries within `HORIZON` of `now` (UTC), up to the release."""
    entries: list[TimelineEntry] = []
    while len(entries) < limit:
        timer = next_timer(account, rules.policy)
        if timer is None or timer.at > now + HORIZON:
            break
        time = DecisionTime(at=timer.at, now=max(now, timer.at))
        account, events = step(account, timer, time=time, stamp=VersionStamp(timer.at, "", ""), rules=rules)
        entries.append(TimelineEntry(timer.at, timer.kind, _details(events)))
    return tuple(entries)


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
