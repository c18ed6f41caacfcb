"""Which notifications one lifecycle event makes: the contract's table of "Emails", as data. Pure.

One notification for each (event, channel), its id made from both, so that planning twice plans the same.
A channel that must stay silent is planned too, with its reason: nothing is dropped without a word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact

MUTED: Final = "muted"
NO_CONTACT: Final = "no_contact"

_BOTH: Final = (Channel.EMAIL, Channel.INBOX)
_INBOX: Final = (Channel.INBOX,)

CHANNELS: Final[Mapping[str, tuple[Channel, ...]]] = {
    "activated": _BOTH,
    "renewed": _BOTH,
    "auto_renewal_failed": _BOTH,
    "renewal_due": _BOTH,
    "quota_exceeded": _BOTH,
    "expired": _BOTH,
    "release_due": _BOTH,
    "released": _BOTH,
    "order_rejected": _BOTH,
    "specification_changed": _INBOX,
    "auto_renewal_enabled": _INBOX,
    "auto_renewal_disabled": _INBOX,
    "renewal_declined": _INBOX,
    "quota_restored": _INBOX,
    "contact_changed": _INBOX,
}
"""Kind -> the channels on which it is told."""

PROTECTED: Final = frozenset({"renewal_due", "expired", "release_due", "released", "auto_renewal_failed"})
"""Kinds that keep at least one channel, whatever the recipient prefers."""


class InvalidPreferences(ValueError):
    """A sentence for the recipient: which kind has to keep a channel, or is not known."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the recipient switched off, as pairs of kind and channel."""

    muted: frozenset[tuple[str, Channel]] = frozenset()

    def allows(self, kind: str, channel: Channel) -> bool:
        return (kind, channel) not in self.muted


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One notification; `suppressed` is the reason for which it is not sent."""

    notification_id: str
    channel: Channel
    kind: str
    suppressed: str | None


def plan(event: LifecycleEvent, contact: Contact | None, preferences: Preferences) -> tuple[Planned, ...]:
    """The notifications of one event; `contact` is the account's as known at this event, or None."""
    return tuple(
        Planned(
            notification_id=notification_id(event.id, channel),
            channel=channel,
            kind=event.kind,
            suppressed=_silence(event.kind, channel, contact, preferences),
        )
        for channel in CHANNELS[event.kind]
    )


def notification_id(event_id: str, channel: Channel) -> str:
    """The same for the same event and channel: an `Id`, and the local part of a Message-ID."""
    return "ntf-" + blake2b(f"{channel}:{event_id}".encode(), digest_size=12).hexdigest()


def validate_preferences(preferences: Preferences) -> None:
    """Raises `InvalidPreferences` where a kind is not known, or a protected one would fall silent."""
    for kind, _ in sorted(preferences.muted):
        if kind not in CHANNELS:
            raise InvalidPreferences(f"{kind}: not a kind of notification")
        if kind in PROTECTED and not any(preferences.allows(kind, channel) for channel in CHANNELS[kind]):
            raise InvalidPreferences(f"{kind}: keep at least one of {' and '.join(CHANNELS[kind])}")


def _silence(kind: str, channel: Channel, contact: Contact | None, preferences: Preferences) -> str | None:
    if not preferences.allows(kind, channel):
        return MUTED
    if channel is Channel.EMAIL and contact is None:
        return NO_CONTACT
    return None
