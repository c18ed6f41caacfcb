"""Which channels a recipient switched off, per kind, and what may not be switched off. Pure."""

from typing import Final

from msgspec import Struct

from notifier_service.decisions.channels import CHANNELS, PROTECTED
from shared.contracts.outcomes import Channel

MutedByFurther = frozenset[tuple[str, str]]
"""Of an account's further recipients (R52): pairs of an id and a kind of which that one wants no email."""
NOTHING_MUTED: Final[MutedByFurther] = frozenset()


class InvalidPreferences(ValueError):
    """The message is a sentence for the recipient: which kind is unknown, or has to keep a channel."""


class Preferences(Struct, frozen=True):
    """`muted`: pairs of kind and channel that are switched off; every other pair is on."""

    muted: frozenset[tuple[str, Channel]] = frozenset()

    def allows(self, kind: str, channel: Channel) -> bool:
        return (kind, channel) not in self.muted


def validate_preferences(preferences: Preferences) -> None:
    """Raises `InvalidPreferences` for an unknown kind, and for a protected kind without any channel left."""
    for kind, _ in sorted(preferences.muted):
        if not CHANNELS.get(kind):
            raise InvalidPreferences(f"{kind}: not a kind of notification")
    for kind in silenced(preferences):
        raise InvalidPreferences(f"{kind}: keep at least one of {' and '.join(CHANNELS[kind])}")


def silenced(preferences: Preferences) -> list[str]:
    """The protected kinds without any channel left, which may not be."""
    return [
        kind
        for kind, channels in CHANNELS.items()
        if kind in PROTECTED and not any(preferences.allows(kind, channel) for channel in channels)
    ]


def with_changes(stored: Preferences, *, shown: Preferences, wanted: Preferences) -> Preferences:
    """What is stored, with what a person has changed from `shown` to `wanted`.

    What was left as it had been shown stays as it is stored by now: so does an unsubscription made meanwhile.
    """
    switched_on, switched_off = shown.muted - wanted.muted, wanted.muted - shown.muted
    return Preferences((stored.muted - switched_on) | switched_off)


def may_be_muted(kind: str) -> bool:
    """Whether email of this kind can be muted by its unsubscribe link; protected kinds have none."""
    return kind not in PROTECTED and Channel.EMAIL in CHANNELS.get(kind, ())
