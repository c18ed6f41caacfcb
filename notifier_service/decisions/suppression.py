"""When a notification is suppressed: a later event or the clock has made it untrue, or it says nothing new. Pure.

What has to be remembered of an account for it: `LatestVersions`, the newest version of each kind of event, and the
shortfall that the recipient was told last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Self

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import AutoRenewalFailed, LifecycleData, ReleaseDue, RenewalDue

NOTHING_NEW: Final = "nothing_new"

OVERTAKEN_BY: Final[Mapping[str, Mapping[str, str]]] = {
    "renewal_due": {"renewed": "renewed_meanwhile", "renewal_due": "later_reminder"},
    "release_due": {"renewed": "renewed_meanwhile"},
    "auto_renewal_failed": {
        "renewed": "renewed_meanwhile",
        "auto_renewal_disabled": "disabled_meanwhile",
        "renewal_declined": "disabled_meanwhile",  # declining switches auto-renewal off (R28)
        "expired": "expired_meanwhile",
        "auto_renewal_failed": "later_attempt",
    },
    "quota_exceeded": {"quota_restored": "restored_meanwhile"},
    "quota_restored": {"quota_exceeded": "exceeded_meanwhile"},
    "expired": {"renewed": "renewed_meanwhile", "released": "released_meanwhile"},
}
"""Kind -> the later kinds that make it untrue, each with the reason that is stored."""


@dataclass(frozen=True, slots=True)
class LatestVersions:
    """Of one account: kind -> version of its newest event."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    def including(self, event: LifecycleEvent) -> Self:
        """With this event's version, where it is newer than the one known for its kind."""
        if self.by_kind.get(event.kind, 0) >= event.metadata.version:
            return self
        return type(self)({**self.by_kind, event.kind: event.metadata.version})


def untrue(event: LifecycleEvent, latest_versions: LatestVersions, now: datetime) -> str | None:
    """The reason for which this event is no longer true, or None.

    `now` is the service clock; where the event's `recordedat` is later, that instant counts.
    """
    for later, reason in OVERTAKEN_BY.get(event.kind, {}).items():
        if latest_versions.by_kind.get(later, 0) > event.metadata.version:
            return reason
    match event.data:
        case RenewalDue(ends_at=end) if event.processing_time(now) >= end:
            return "expired_meanwhile"
        case ReleaseDue(release_at=end) if event.processing_time(now) >= end:
            return "released_meanwhile"
        case _:
            return None


def says_nothing_new(data: LifecycleData, told_shortfall: Decimal | None) -> bool:
    """Whether a failed deduction repeats what the recipient was told before.

    The first attempt for an E and the last one are always told, and so is one with another shortfall (an amount in the
    catalog's currency) than the one told last.
    """
    if not isinstance(data, AutoRenewalFailed) or data.attempt == 1 or data.next_attempt_at is None:
        return False
    return data.shortfall == told_shortfall
