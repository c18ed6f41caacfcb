"""Events out of the notifier: `notification-outcomes`. They hold no address and no text of a message."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.contracts.fields import AccountId, LifecycleEventId, LifecycleType, NotificationId, RecipientId, described
from shared.contracts.scalars import Whole


class Channel(StrEnum):
    """How a customer is told."""

    EMAIL = "email"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationOutcome:
    """The final result of telling a customer of one lifecycle event on one channel."""

    notification_id: NotificationId
    account_id: AccountId
    lifecycle_event_id: LifecycleEventId
    lifecycle_type: LifecycleType
    channel: Channel
    attempts: Annotated[
        Whole, described("Attempts to deliver that the mail relay answered, or broke off after `DATA`.", 1)
    ]
    reason: Annotated[
        str | None,
        described(
            "The mail server's reply, why nothing was sent, or the type of a complaint; null for an internal message.",
            "no_contact",
        ),
    ]
    recipient_id: Annotated[
        RecipientId | None,
        described("The further recipient whose email it is (R52); null for the contact, and for an internal message."),
    ] = None
    resend_of: Annotated[
        NotificationId | None,
        described("The email that this one repeats, since an operator asked for it; null where it is no resend."),
    ] = None


OUTCOME_EVENTS: Mapping[str, type[NotificationOutcome]] = {
    "tenure.notification.delivered.v1": NotificationOutcome,
    "tenure.notification.failed.v1": NotificationOutcome,
    "tenure.notification.suppressed.v1": NotificationOutcome,
    "tenure.notification.read.v1": NotificationOutcome,
    "tenure.notification.bounced.v1": NotificationOutcome,
    "tenure.notification.complained.v1": NotificationOutcome,
}
"""Type -> contract: what the notifier writes."""
