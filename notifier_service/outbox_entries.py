"""How a notification's end is told: an event of `notification-outcomes`, without address and text. Pure.

An outcome's id is made from its notification and its word, so that it can be told apart for ever.
"""

from datetime import datetime
from typing import Final

from notifier_service.decisions.notice import Delivered, End, Failed, Notice, Status, Suppressed
from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.outcomes import NotificationOutcome
from shared.contracts.topics import OUTCOMES
from shared.kafka.partitioning import partition_of
from shared.outbox.log import Entry

SOURCE: Final = "/tenure/notifier"
READ: Final = "read"


def status_of(end: End) -> Status:
    """The final status; also the outcome's word."""
    match end:
        case Delivered():
            return Status.DELIVERED
        case Failed():
            return Status.FAILED
        case Suppressed():
            return Status.SUPPRESSED


def ended(notice: Notice, end: End, *, attempts: int, now: datetime, partitions: int) -> Entry:
    """The outcome `delivered`, `failed` or `suppressed`; `now` is the service clock."""
    data = _data(notice, attempts, end.reason)
    return _entry(status_of(end), notice, data, now=now, partitions=partitions)


def read(notice: Notice, *, attempts: int, now: datetime, partitions: int) -> Entry:
    """The outcome `read` of an internal message."""
    return _entry(READ, notice, _data(notice, attempts, None), now=now, partitions=partitions)


def _data(notice: Notice, attempts: int, reason: str | None) -> NotificationOutcome:
    return NotificationOutcome(
        notification_id=notice.notification_id,
        account_id=notice.account_id,
        lifecycle_event_id=notice.lifecycle_event_id,
        lifecycle_type=notice.lifecycle_type,
        channel=notice.channel,
        attempts=attempts,
        reason=reason,
    )


def _entry(word: str, notice: Notice, data: NotificationOutcome, *, now: datetime, partitions: int) -> Entry:
    fields = {
        "id": f"{notice.notification_id}:{word}",
        "source": SOURCE,
        "type": f"tenure.notification.{word}.v1",
        "time": wire_time(now),
        "subject": notice.account_id,
        "recordedat": wire_time(now),
    }
    if notice.traceparent:
        fields["traceparent"] = notice.traceparent
    return Entry(
        topic=OUTCOMES,
        partition=partition_of(notice.account_id, partitions),
        key=notice.account_id.encode(),
        value=encode(fields, to_json(data)),
        account_id=notice.account_id,
    )
