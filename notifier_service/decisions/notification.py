"""One notification: what identifies it, its status, and what can come of delivering it. Pure."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from shared.contracts.outcomes import Channel


class NotificationStatus(StrEnum):
    """`queued` waits for its first attempt or a retry, `sending` is leased by a process; the others are final.

    What was `delivered` may become `bounced` or `complained`.
    """

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Notification(Struct, frozen=True, kw_only=True):
    """One channel of one lifecycle event, as its outcome events name it. Holds no address and no text.

    `recipient_id`: the further recipient (R52) whose email it is; None for the contact, and for the inbox.
    `resend_of`: the email that this one repeats.
    """

    notification_id: str
    account_id: str
    lifecycle_event_id: str
    lifecycle_type: str
    channel: Channel
    traceparent: str | None
    recipient_id: str | None = None
    resend_of: str | None = None


class EarlierAttempts(Struct, frozen=True, kw_only=True):
    """What was done for an email before: `count` attempts, the first at `first_at`, and `interruptions` since the last.

    An interruption is a try that is not counted as an attempt, since the connection broke before the relay had the
    email.
    """

    count: int = 0
    first_at: datetime | None = None
    interruptions: int = 0


class Delivered(Struct, frozen=True):
    """`reason` is the relay's reply; None for an internal message."""

    reason: str | None


class Failed(Struct, frozen=True):
    """`attempted` is False for an email that could not be composed or addressed: the relay was never asked.

    `bounced`: the relay refused the address for good, which is a hard bounce; `unaddressable`: no mail can be addressed
    there.
    """

    reason: str
    attempted: bool
    bounced: bool = False
    unaddressable: bool = False


class Suppressed(Struct, frozen=True):
    """Not sent; `reason` is a code such as `muted` or `renewed_meanwhile`."""

    reason: str


class Returned(Struct, frozen=True):
    """An email that had been sent came back (`bounced`), or was called spam (`complained`).

    `reason`: what the mail server said, or the type of the complaint.
    """

    outcome: NotificationStatus
    reason: str


class RetryLater(Struct, frozen=True):
    """The attempt is counted, and the next is due when the service clock shows `retry_at`.

    The relay refused for now (4xx), or nobody can know whether it took the email.
    """

    retry_at: datetime
    reason: str


class NotAttempted(Struct, frozen=True):
    """The relay could not be reached: no attempt is counted."""


class Interrupted(Struct, frozen=True):
    """The relay could be reached but broke off before it had the email: no attempt is counted.

    The email is tried again after `pause_seconds` of real time.
    """

    pause_seconds: float
    reason: str


FinalResult = Delivered | Failed | Suppressed
"""The end of a notification, published once on `notification-outcomes`."""
DeliveryResult = FinalResult | RetryLater | Interrupted | NotAttempted
"""What came of one try to deliver an email."""


def final_status(result: FinalResult | Returned) -> NotificationStatus:
    """The status that is stored, which is also the last word of the outcome event's type."""
    match result:
        case Delivered():
            return NotificationStatus.DELIVERED
        case Failed():
            return NotificationStatus.FAILED
        case Suppressed():
            return NotificationStatus.SUPPRESSED
        case Returned(outcome=outcome):
            return outcome
