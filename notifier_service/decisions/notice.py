"""What a notification is about and how it stands; the words that deciding, delivering and telling share. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.outcomes import Channel


class Status(StrEnum):
    """`queued` waits for its turn or its retry, `sending` is claimed by a process; the others are final."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One channel of one lifecycle event, as every outcome names it. No address, no text."""

    notification_id: str
    account_id: str
    lifecycle_event_id: str
    lifecycle_type: str
    channel: Channel
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """`reason` is the relay's reply; an internal message has none."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """`tried`: whether the relay was asked; a mail that cannot be written or addressed is never tried."""

    reason: str
    tried: bool


@dataclass(frozen=True, slots=True)
class Suppressed:
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """The relay said "not now"; try again when the service clock shows `at`."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Untried:
    """The relay could not be reached: no attempt was made."""


End = Delivered | Failed | Suppressed
"""How a notification ends; each end is told once on `notification-outcomes`."""
Result = End | Later | Untried
"""What came of taking a notification up."""
