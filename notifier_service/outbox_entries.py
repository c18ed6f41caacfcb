"""The notifier's entries of the log: events of `notification-outcomes`, without address and text. Pure.

An outcome's id is made of its notification's id and its kind, so the same outcome always has the same id.
"""

from datetime import datetime
from typing import Final

from notifier_service.decisions.notification import FinalResult, Notification, Returned, final_status
from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.outcomes import NotificationOutcome
from shared.contracts.topics import OUTCOMES
from shared.kafka.partitioning import partition_of
from shared.outbox.log import Entry

SOURCE: Final = "/tenure/notifier"
READ: Final = "read"


def final_result(
    notification: Notification, result: FinalResult | Returned, *, attempts: int, at: datetime, partitions: int
) -> Entry:
    """The outcome `delivered`, `failed` or `suppressed`, or after it `bounced` or `complained`, with the time `at`.

    `attempts` counts all that were made; `partitions` is the number of partitions of the topic.
    """
    data = _data(notification, attempts, result.reason)
    return _entry(final_status(result), notification, data, at=at, partitions=partitions)


def message_read(notification: Notification, *, attempts: int, at: datetime, partitions: int) -> Entry:
    """The outcome `read` of an internal message; arguments as of `final_result`."""
    return _entry(READ, notification, _data(notification, attempts, None), at=at, partitions=partitions)


def _data(notification: Notification, attempts: int, reason: str | None) -> NotificationOutcome:
    return NotificationOutcome(
        notification_id=notification.notification_id,
        account_id=notification.account_id,
        lifecycle_event_id=notification.lifecycle_event_id,
        lifecycle_type=notification.lifecycle_type,
        channel=notification.channel,
        recipient_id=notification.recipient_id,
        resend_of=notification.resend_of,
        attempts=attempts,
        reason=reason,
    )


def _entry(kind: str, notification: Notification, data: NotificationOutcome, *, at: datetime, partitions: int) -> Entry:
    attributes = {
        "id": f"{notification.notification_id}:{kind}",
        "source": SOURCE,
        "type": f"tenure.notification.{kind}.v1",
        "time": wire_time(at),
        "subject": notification.account_id,
        "recordedat": wire_time(at),
    }
    if notification.traceparent:
        attributes["traceparent"] = notification.traceparent
    return Entry(
        topic=OUTCOMES,
        partition=partition_of(notification.account_id, partitions),
        key=notification.account_id.encode(),
        value=encode(attributes, to_json(data)),
        account_id=notification.account_id,
    )
