"""The notifier's own lines of the log; what may stand in one: `shared.runtime.log_lines`."""

import logging
import re
from typing import Final

from notifier_service.decisions.notification import Notification
from notifier_service.delivery.redaction import PLACEHOLDER
from shared.runtime.log_lines import LogLine, LogMessage, trace_id

_IDS: Final = ("notification_id", "event_id", "trace_id")
_CODES: Final = re.compile(r"[2-5][0-9]{2}( [245]\.[0-9]{1,3}\.[0-9]{1,3})?(?= |$)")
"""A reply's code, with its enhanced status code (RFC 3463)."""

EMAIL_FAILED: Final = LogLine(
    "email_failed", logging.WARNING, "an email failed for good", ("code", "attempts", "type", *_IDS)
)
EMAIL_RETURNED: Final = LogLine(
    "email_returned", logging.WARNING, "an email came back, or was called spam", ("outcome", "code", "type", *_IDS)
)
ADDRESS_RELEASED: Final = LogLine(
    "address_released", logging.INFO, "an operator has taken an address off the suppression list", ("address_hash",)
)
MAIL_RESENT: Final = LogLine(
    "mail_resent", logging.INFO, "an operator sends an email once more", ("notification_id", "resend_of")
)
NOT_COMPOSED: Final = LogLine("not_composed", logging.ERROR, "an email cannot be composed", _IDS)
NOT_HANDED_OVER: Final = LogLine(
    "not_handed_over", logging.ERROR, "an email was not handed over by a fault of ours", _IDS
)
DUE_AGAIN: Final = LogLine(
    "due_again", logging.WARNING, "emails that an ended process had leased are due again", ("emails",)
)
STOPPED_WITH_LEASES: Final = LogLine(
    "stopped_with_leases", logging.WARNING, "stopped with emails leased; another process takes them over", ("emails",)
)
STREAM_ENDS: Final = LogLine("stream_ends", logging.INFO, "the stream of an inbox ends", ("reason",))


def ids_of(notification: Notification) -> dict[str, str | None]:
    """The fields by which its event and its mail are found."""
    return {
        "notification_id": notification.notification_id,
        "event_id": notification.lifecycle_event_id,
        "trace_id": trace_id(notification.traceparent),
    }


def email_failed(notification: Notification, reason: str, attempts: int) -> LogMessage:
    """The line of an email that ended as `failed`; of the relay's words only the codes, since they may be anything."""
    ids = ids_of(notification)
    return EMAIL_FAILED.of(code=without_words(reason), attempts=attempts, type=notification.lifecycle_type, **ids)


def email_returned(notification: Notification, outcome: str, detail: str) -> LogMessage:
    """The line of an email that came back; of the mail server's words only the codes."""
    code = without_words(detail) if detail[:1].isdigit() else None
    return EMAIL_RETURNED.of(outcome=outcome, code=code, type=notification.lifecycle_type, **ids_of(notification))


def without_words(reason: str) -> str:
    """The codes with which a relay's reply begins; else a sentence of ours as it is."""
    if codes := _CODES.match(reason):
        return codes[0]
    return "a reply" if reason.startswith(PLACEHOLDER) else reason
