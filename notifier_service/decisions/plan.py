"""Which notifications one lifecycle event makes. Pure.

One notification per (event, channel), and one email more per further recipient (R52); its id is a hash of them, so
planning the same event again gives the same ids.
A channel that the recipient muted, or an email without a contact, is planned too, with the reason for which it is
suppressed: nothing is dropped without a reason kept.
"""

from hashlib import blake2b
from typing import Final

from msgspec import Struct

from notifier_service.decisions.channels import CHANNELS, REFUSED_IN_SILENCE
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.preferences import MutedByFurther, Preferences
from shared.contracts.lifecycle import OrderRejected
from shared.contracts.lifecycle_parts import Actor
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact

MUTED: Final = "muted"
NO_CONTACT: Final = "no_contact"
NO_RECIPIENT: Final = "no_recipient"
"""The further recipient has left the list while its email waited (R52)."""


class PlannedNotification(Struct, frozen=True, kw_only=True):
    """One notification of an event; `suppressed` is the reason for which it is not sent, or None.

    `recipient_id`: the further recipient (R52) whose email it is; None for the contact, and for the inbox.
    """

    notification_id: str
    channel: Channel
    kind: str
    suppressed: str | None
    recipient_id: str | None = None


def plan(event: LifecycleEvent, contact: Contact | None, preferences: Preferences) -> tuple[PlannedNotification, ...]:
    """The notifications of one event; `contact` is the account's as known at this event, or None."""
    return tuple(
        PlannedNotification(
            notification_id=notification_id(event.id, channel),
            channel=channel,
            kind=event.kind,
            suppressed=_suppression(event.kind, channel, contact, preferences),
        )
        for channel in channels_of(event)
    )


def plan_further(event: LifecycleEvent, recipient_id: str, muted: MutedByFurther) -> PlannedNotification:
    """The email of an event that makes emails to one further recipient (R52); `muted`: what they want no more."""
    return PlannedNotification(
        notification_id=notification_id(event.id, Channel.EMAIL, recipient_id),
        channel=Channel.EMAIL,
        kind=event.kind,
        suppressed=MUTED if (recipient_id, event.kind) in muted else None,
        recipient_id=recipient_id,
    )


def notification_id(event_id: str, channel: Channel, recipient_id: str | None = None) -> str:
    """`ntf-` and 24 hexadecimal digits; valid as an `Id` and as the local part of a Message-ID.

    No id has the blank that stands before that of a further recipient.
    """
    of = f"{channel}:{event_id}" if recipient_id is None else f"{channel}:{event_id} {recipient_id}"
    return "ntf-" + blake2b(of.encode(), digest_size=12).hexdigest()


def channels_of(event: LifecycleEvent) -> tuple[Channel, ...]:
    """The channels of its kind; none where an operator's act or an import was refused, for which no customer has asked
    (R42, R46).
    """
    if isinstance(event.data, OrderRejected) and (
        event.data.order_type in REFUSED_IN_SILENCE or event.metadata.actor is Actor.OPERATOR
    ):
        return ()
    return CHANNELS[event.kind]


def _suppression(kind: str, channel: Channel, contact: Contact | None, preferences: Preferences) -> str | None:
    if not preferences.allows(kind, channel):
        return MUTED
    if channel is Channel.EMAIL and contact is None:
        return NO_CONTACT
    return None
