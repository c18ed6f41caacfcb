"""When a notification is suppressed: a later event or the clock has made it outdated, or it says nothing new. Pure.

What has to be remembered of an account for it: `LatestVersions`, the newest version of each kind of event and which
orders were taken back, and the shortfall that the recipient was told last.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, Self

from msgspec import Struct, field

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import ContactReplaced, LifecycleData, ReleaseDue, RenewalDue
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, RenewalUpcoming

NOTHING_NEW: Final = "nothing_new"
ERASED: Final = "erased"
"""The kind of the event by which a person is forgotten, and the reason of all that was not told before it (R48)."""

FAILED: Final = "auto_renewal_failed"

OVERTAKEN_BY: Final[Mapping[str, Mapping[str, str]]] = {
    "renewal_due": {
        "renewed": "renewed_meanwhile",
        "extended": "extended_meanwhile",
        "renewal_due": "later_reminder",
    },
    "renewal_upcoming": {
        "renewed": "renewed_meanwhile",
        "extended": "extended_meanwhile",
        FAILED: "attempted_meanwhile",
        "auto_renewal_disabled": "disabled_meanwhile",
        "renewal_declined": "disabled_meanwhile",  # declining switches auto-renewal off (R28)
        "auto_renewal_enabled": "cycle_changed_meanwhile",  # with the same cycle there is no event (R21)
        "expired": "expired_meanwhile",
        "renewal_upcoming": "later_notice",
    },
    "release_due": {"renewed": "renewed_meanwhile", "extended": "extended_meanwhile"},
    FAILED: {
        "renewed": "renewed_meanwhile",
        "extended": "extended_meanwhile",
        "auto_renewal_disabled": "disabled_meanwhile",
        "renewal_declined": "disabled_meanwhile",  # declining switches auto-renewal off (R28)
        "expired": "expired_meanwhile",
        FAILED: "later_attempt",
    },
    "quota_exceeded": {"quota_restored": "restored_meanwhile"},
    "quota_restored": {"quota_exceeded": "exceeded_meanwhile"},
    "expired": {
        "renewed": "renewed_meanwhile",
        "extended_into_service": "extended_meanwhile",
        "released": "released_meanwhile",
    },
}
"""Kind -> the later kinds that make it outdated, each with the reason that is stored. `extended_into_service`: an
`extended` that has made the subscription active again.
"""

OVERTAKEN_BY_ITS_ORDER: Final[Mapping[str, Mapping[str, str]]] = {
    "renewed": {"renewal_cancelled": "taken_back_meanwhile"},
}
"""The same, where the later event has to name the same order."""

_ORDERS_REMEMBERED: Final = 20
"""So many orders of an account that were taken back last are remembered: enough for all that may wait to be sent."""


class LatestVersions(Struct, frozen=True):
    """Of one account: kind -> version of its newest event; `kind order_id` -> the same of the newest for that order."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    def including(self, event: LifecycleEvent) -> Self:
        """With this event's version, where it is newer than the one known for its kind, and for its order."""
        newer = {name: event.metadata.version for name in _names(event) if self._is_newer(name, event)}
        return type(self)(_without_oldest_orders({**self.by_kind, **newer})) if newer else self

    def _is_newer(self, name: str, event: LifecycleEvent) -> bool:
        return self.by_kind.get(name, 0) < event.metadata.version


def why_outdated(event: LifecycleEvent, latest_versions: LatestVersions, now: datetime) -> str | None:
    """The reason for which this event is no longer true, or None.

    `now` is the service clock; where the event's `recordedat` is later, that instant counts.
    """
    if is_erased(event, latest_versions):
        return ERASED
    for later, reason in _overtaking(event).items():
        if latest_versions.by_kind.get(later, 0) > event.metadata.version:
            return reason
    match event.data:
        case RenewalDue(ends_at=end) if event.processing_time(now) >= end:
            return "expired_meanwhile"
        case RenewalUpcoming(attempt_at=attempt) if event.processing_time(now) >= attempt:
            return "attempted_meanwhile"
        case ReleaseDue(release_at=end) if event.processing_time(now) >= end:
            return "released_meanwhile"
        case _:
            return None


def is_erased(event: LifecycleEvent, latest_versions: LatestVersions) -> bool:
    """Whether the person was forgotten after this event (R48), as also a contact tells that it lacks."""
    if isinstance(event.data, ContactReplaced) and event.data.contact is None:
        return True
    return latest_versions.by_kind.get(ERASED, 0) > event.metadata.version


def overtakes_failure(event: LifecycleEvent, latest_versions: LatestVersions) -> bool:
    """Whether this event, itself no failed deduction, makes the one that is known outdated."""
    of_failure = latest_versions.by_kind.get(FAILED, 0)
    return event.kind != FAILED and event.kind in OVERTAKEN_BY[FAILED] and event.metadata.version > of_failure


def says_nothing_new(data: LifecycleData, told_shortfall: Decimal | None) -> bool:
    """Whether a failed deduction repeats what the recipient was told before.

    The first attempt for an E and the last one are always told, and so is one with another shortfall (an amount in the
    catalog's currency) than the one told last.
    """
    if not isinstance(data, AutoRenewalFailed) or data.attempt == 1 or data.next_attempt_at is None:
        return False
    return data.shortfall == told_shortfall


def _names(event: LifecycleEvent) -> Iterator[str]:
    """Under which an event is remembered."""
    yield event.kind
    if isinstance(event.data, RenewalTakenBack):
        yield _of_order(event.kind, event.data.order_id)
    if isinstance(event.data, TermExtended) and event.data.reactivated:
        yield "extended_into_service"


def _overtaking(event: LifecycleEvent) -> Mapping[str, str]:
    """What makes this event outdated, by the name under which it is remembered, with the reason."""
    of_its_order = OVERTAKEN_BY_ITS_ORDER.get(event.kind, {})
    order_id = getattr(event.data, "order_id", "")
    named = {_of_order(later, order_id): reason for later, reason in of_its_order.items()}
    return {**OVERTAKEN_BY.get(event.kind, {}), **named}


def _of_order(kind: str, order_id: str) -> str:
    return f"{kind} {order_id}"


def _without_oldest_orders(by_kind: Mapping[str, int]) -> Mapping[str, int]:
    orders = sorted((name for name in by_kind if " " in name), key=by_kind.__getitem__)
    forgotten = set(orders[:-_ORDERS_REMEMBERED])
    return {name: version for name, version in by_kind.items() if name not in forgotten}
