"""Mail that came back: how bad it is for the address, and what may be sent there afterwards. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from notifier_service.decisions.lifecycle_event import LifecycleEvent


class BounceKind(StrEnum):
    """`soft`: not this mail, or not now. `hard`: the address takes none. `complaint`: its reader called it spam."""

    SOFT = "soft"
    HARD = "hard"
    COMPLAINT = "complaint"

    @property
    def rank(self) -> int:
        """How strong it is: a report counts where it says more than the one before."""
        return (None, *BounceKind).index(self)

    @property
    def outcome(self) -> str | None:
        """The last word of the outcome, and the reason for which later mails to the address are suppressed."""
        return _OUTCOMES.get(self)


_OUTCOMES: Final = {BounceKind.HARD: "bounced", BounceKind.COMPLAINT: "complained"}
RETURNED: Final = frozenset(_OUTCOMES.values())
"""The reasons for which no email goes to an address that is on the suppression list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What is reported of one email; `detail`: the code and words of the mail server, without any address.

    `event`: what the email tells of, where that is at hand; else it is known as long as the mail is kept.
    """

    notification_id: str
    kind: BounceKind
    detail: str
    event: LifecycleEvent | None = None


_ENHANCED: Final = re.compile(r"(?<![0-9.])[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
"""An enhanced status code (RFC 3463)."""
_OF_THE_ADDRESS: Final = re.compile(r"5\.(1\.(?!7$|8$)[0-9]+|2\.[01]|4\.[14])")
"""No such mailbox, one that is switched off, or no such domain. Everything else is about the mail, its sender, a policy
or a server: a full mailbox (5.2.2), a relay that does not take our mails (5.7.1).
"""
_NOT_THE_ADDRESS: Final = ("4", "552")
"""Replies without an enhanced code that are no word about the address: for now, and a full mailbox."""


def kind_of_refusal(reply: str, status: str = "") -> BounceKind:
    """What a final refusal means for the address.

    `reply`: the mail server's, with its code; `status`: the enhanced code that a delivery notification states, which
    counts before the reply's unless it says nothing (`5.0.0`).
    """
    code = _telling(status) or _telling(reply)
    if code:
        return BounceKind.HARD if _OF_THE_ADDRESS.fullmatch(code) else BounceKind.SOFT
    return BounceKind.SOFT if reply.startswith(_NOT_THE_ADDRESS) else BounceKind.HARD


def _telling(text: str) -> str | None:
    """The first enhanced code, where it says more than that something failed."""
    code = _ENHANCED.search(text)
    return code[0] if code and not code[0].startswith("5.0.") else None
