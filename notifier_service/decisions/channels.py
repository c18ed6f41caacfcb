"""The channels on which each kind of lifecycle event makes a notification: the contract's table "Emails". Pure data.

A kind is the short name of a lifecycle type: `renewal_due` for `tenure.subscription.renewal_due.v1`.
"""

from collections.abc import Mapping
from typing import Final

from shared.contracts.outcomes import Channel

_BOTH: Final = (Channel.EMAIL, Channel.INBOX)
_INBOX: Final = (Channel.INBOX,)
_NONE: Final = ()

CHANNELS: Final[Mapping[str, tuple[Channel, ...]]] = {
    "activated": _BOTH,
    "renewed": _BOTH,
    "auto_renewal_failed": _BOTH,
    "renewal_due": _BOTH,
    "renewal_upcoming": _BOTH,
    "quota_exceeded": _BOTH,
    "expired": _BOTH,
    "release_due": _BOTH,
    "released": _BOTH,
    "order_rejected": _BOTH,
    "renewal_cancelled": _BOTH,
    "extended": _BOTH,
    "specification_changed": _INBOX,
    "auto_renewal_enabled": _INBOX,
    "auto_renewal_disabled": _INBOX,
    "renewal_declined": _INBOX,
    "quota_restored": _INBOX,
    "contact_changed": _INBOX,
    "imported": _NONE,
    "erased": _NONE,
    "recipients_changed": _NONE,
}
"""Kind -> the channels on which it makes a notification."""

REFUSED_IN_SILENCE: Final = frozenset({"tenure.subscription.imported.v1"})
"""Types of events in that are no orders of a customer: nobody is told of their refusal (R42)."""

PROTECTED: Final = frozenset(
    {"renewal_due", "renewal_upcoming", "expired", "release_due", "released", "auto_renewal_failed"}
)
"""Kinds that keep at least one channel, whatever the recipient switched off."""
