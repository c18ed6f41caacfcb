"""Which notifications one lifecycle event makes. Pure.

One notification per (event, channel); its id is a hash of both, so planning the same event again gives the same ids.
A channel that the recipient muted, or an email without a contact, is planned too, with the reason for which it is
suppressed: nothing is dropped without a reason kept.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from notifier_service.decisions.channels import CHANNELS, REFUSED_IN_SILENCE
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.preferences import Preferences
from shared.contracts.lifecycle import OrderRejected
from shared.contracts.lifecycle_parts import Actor
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact

MUTED: Final = "muted"
NO_CONTACT: Final = "no_contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNotification:
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
        for channel in _channels(event)
    )


def notification_id(event_id: str, channel: Channel) -> str:
    """`ntf-` and 24 hexadecimal digits; valid as an `Id` and as the local part of a Message-ID."""
    return "ntf-" + blake2b(f"{channel}:{event_id}".encode(), digest_size=12).hexdigest()


def _channels(event: LifecycleEvent) -> tuple[Channel, ...]:
    """None where an operator's act or an import was refused: no customer has asked for it (R42, R46)."""
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
