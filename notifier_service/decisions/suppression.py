"""When a notification is suppressed because a later event or the clock has made it untrue. Pure.

All that has to be remembered of an account for it is `LatestVersions`: the newest version of each kind of event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import ReleaseDue, RenewalDue

OVERTAKEN_BY: Final[Mapping[str, Mapping[str, str]]] = {
    "renewal_due": {"renewed": "renewed_meanwhile"},
    "release_due": {"renewed": "renewed_meanwhile"},
    "auto_renewal_failed": {
        "renewed": "renewed_meanwhile",
        "auto_renewal_disabled": "disabled_meanwhile",
        "renewal_declined": "disabled_meanwhile",  # declining switches auto-renewal off (R28)
        "expired": "expired_meanwhile",
    },
    "quota_exceeded": {"quota_restored": "restored_meanwhile"},
}
"""Kind -> the later kinds that make it untrue, each with the reason that is stored."""


@dataclass(frozen=True, slots=True)
class LatestVersions:
    """Of one account: kind -> version of its newest event."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    def including(self, event: LifecycleEvent) -> Self:
        """With this event's version, where it is newer than the one known for its kind."""
        if self.by_kind.get(event.kind, 0) >= event.stamp.version:
            return self
        return type(self)({**self.by_kind, event.kind: event.stamp.version})


def untrue(event: LifecycleEvent, latest_versions: LatestVersions, now: datetime) -> str | None:
    """The reason for which this event is no longer true, or None.

    `now` is the service clock; where the event's `recordedat` is later, that instant counts.
    """
    for later, reason in OVERTAKEN_BY.get(event.kind, {}).items():
        if latest_versions.by_kind.get(later, 0) > event.stamp.version:
            return reason
    match event.data:
        case RenewalDue(ends_at=end) if event.processing_time(now) >= end:
            return "expired_meanwhile"
        case ReleaseDue(release_at=end) if event.processing_time(now) >= end:
            return "released_meanwhile"
        case _:
            return None
