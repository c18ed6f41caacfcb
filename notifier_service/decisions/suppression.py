"""What a later event or the clock has made untrue, and therefore is not sent any more. Pure.

`LatestVersions` is the little that has to be remembered of an account for it: the newest version of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import LifecycleData, ReleaseDue, RenewalDue

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
"""Kind -> the later kinds that make it untrue, each with the reason that is kept."""


@dataclass(frozen=True, slots=True)
class LatestVersions:
    """Of one account: kind -> the version of its latest event."""

    latest: Mapping[str, int] = field(default_factory=dict)


def note(latest_versions: LatestVersions, event: LifecycleEvent) -> LatestVersions:
    """Remember an event; an older one than is known changes nothing."""
    if latest_versions.latest.get(event.kind, 0) >= event.stamp.version:
        return latest_versions
    return LatestVersions({**latest_versions.latest, event.kind: event.stamp.version})


def untrue(
    kind: str, version: int, data: LifecycleData, *, latest_versions: LatestVersions, now: datetime
) -> str | None:
    """Why this is no longer true, or None.

    `now` is the later of the service clock and the event's `recordedat`.
    """
    for later, reason in OVERTAKEN_BY.get(kind, {}).items():
        if latest_versions.latest.get(later, 0) > version:
            return reason
    match data:
        case RenewalDue(ends_at=end) if now >= end:
            return "expired_meanwhile"
        case ReleaseDue(release_at=end) if now >= end:
            return "released_meanwhile"
        case _:
            return None
