"""Events out of the notifier: `notification-outcomes`. No address and no text ever stands here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.types import Id, Whole


class Channel(StrEnum):
    EMAIL = "email"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationOutcome:
    """One channel's end of one lifecycle event; `reason` is the relay's reply, or why it was suppressed."""

    notification_id: Id
    account_id: Id
    lifecycle_event_id: Id
    lifecycle_type: str
    channel: Channel
    attempts: Whole
    reason: str | None


OUTCOME_EVENTS: Mapping[str, type[NotificationOutcome]] = {
    "tenure.notification.delivered.v1": NotificationOutcome,
    "tenure.notification.failed.v1": NotificationOutcome,
    "tenure.notification.suppressed.v1": NotificationOutcome,
    "tenure.notification.read.v1": NotificationOutcome,
}
