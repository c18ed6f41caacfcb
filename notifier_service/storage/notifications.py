"""Notifications: one row per decision, whatever became of it.

Invariant: `notification_id` is a hash of lifecycle event, channel and further recipient, so duplicates meet the primary
key (G3). The columns that change while an email is delivered are written by `leases`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Index, text

from notifier_service.decisions.decide import NotificationDecision
from notifier_service.decisions.notification import Notification, NotificationStatus
from notifier_service.decisions.recipient import masked
from notifier_service.storage.metadata import NotifierTable, Number
from shared.contracts.lifecycle import OrderRejected
from shared.contracts.outcomes import Channel
from shared.storage.bulk import Row, insert
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import (
    BigInteger,
    Counter,
    Instant,
    OptionalBigInteger,
    OptionalInstant,
    OptionalText,
    Text,
    TextKey,
)


class NotificationRow(NotifierTable, table=True):
    """`number` rises per account; `event`: the envelope of the lifecycle event as JSON, while an email is open.

    `claimed_by`: owner of the lease (`leases`), while `status` is `sending`. `attempts` counts the attempts, the first
    at `first_attempt_at`; the next is due at `next_attempt_at` on the service clock. `interruptions` counts the tries
    since the last attempt that broke off before the relay had the email; until `paused_until`, in real time, there is
    no further one.

    `resend_of`: the email whose event this one tells once more, since `operator` asked for it.

    `bounce` (`decisions.bounce.BounceKind`) and `bounce_detail`: what was reported of an email that had been sent;
    `address_hash`: where it went, as `suppressions` has it.

    `event_time`: of the lifecycle event; `code`: of a refusal; `recipient`: the masked address of an email. NULL in
    rows of older versions. `recipient_id`: the further recipient whose email it is; NULL: the contact, or the inbox.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_account", "account_id", "number"),
        Index("notification_number", "number"),
        Index("notification_queued", "next_attempt_at", "number", postgresql_where=text("status = 'queued'")),
        Index("notification_address", "address_hash", "number", postgresql_where=text("address_hash IS NOT NULL")),
        Index("notification_resent", "resend_of", postgresql_where=text("resend_of IS NOT NULL")),
        Index("notification_sending", "claimed_by", postgresql_where=text("status = 'sending'")),
    )
    notification_id: TextKey
    number: Number
    account_id: Text
    lifecycle_event_id: Text
    lifecycle_type: Text
    version: BigInteger
    kind: Text
    channel: Text
    status: Text
    reason: OptionalText
    attempts: Counter
    created_at: Instant
    first_attempt_at: OptionalInstant
    next_attempt_at: OptionalInstant
    claimed_by: OptionalBigInteger
    event: bytes | None
    traceparent: OptionalText
    interruptions: Counter
    paused_until: OptionalInstant
    event_time: OptionalInstant
    code: OptionalText
    recipient: OptionalText
    recipient_id: OptionalText
    resend_of: OptionalText
    operator: OptionalText
    bounce: OptionalText
    bounce_detail: OptionalText
    address_hash: OptionalText


IDENTITY = (
    *("notification_id", "account_id", "lifecycle_event_id", "lifecycle_type", "channel", "traceparent"),
    *("recipient_id", "resend_of"),
)
"""The columns that `notification_of` maps."""

_ADD = insert(
    NotificationRow,
    (
        *("notification_id", "account_id", "lifecycle_event_id", "lifecycle_type", "version", "kind", "channel"),
        *("status", "reason", "attempts", "created_at", "next_attempt_at", "event", "traceparent"),
        *("event_time", "code", "recipient", "recipient_id"),
    ),
    or_ignore=True,
    returning=Selection(NotificationRow, "notification_id"),
)
_PAGE = text(
    "SELECT * FROM (SELECT notification_id, number, account_id, lifecycle_event_id, lifecycle_type, kind, channel,"
    "  CASE status WHEN 'sending' THEN 'queued' ELSE status END AS status, status = 'sending' AS under_way, reason,"
    "  attempts, created_at, next_attempt_at, event_time, code, recipient, recipient_id, bounce, bounce_detail,"
    "  resend_of, operator FROM notification) AS shown"
    " WHERE (CAST(:account_id AS text) IS NULL OR account_id = :account_id)"
    "  AND (CAST(:status AS text) IS NULL OR status = :status)"
    "  AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    "  AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)"
    "  AND (CAST(:before AS bigint) IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit"
)
_EMAIL = text(
    "SELECT account_id, recipient_id, kind, version FROM notification"
    " WHERE notification_id = :notification_id AND channel = 'email'"
)
_OPEN_COUNTS = text(
    "SELECT status, count(*) AS emails FROM notification WHERE status IN ('queued', 'sending') GROUP BY status"
)


class SentEmail(NamedTuple):
    """Whose email it is (`recipient_id` None: the contact's), of which kind, and the version of its lifecycle event."""

    account_id: str
    recipient_id: str | None
    kind: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """Which notifications; None leaves a condition out. `before`: only those with a lower `number`; `since`: only those
    that were decided then or later, on the service clock.
    """

    account_id: str | None
    status: str | None
    kind: str | None
    since: datetime | None
    before: int | None
    limit: int


async def add(connection: Connection, decisions: Sequence[NotificationDecision], *, now: datetime) -> set[str]:
    """Insert decisions; the ids of those that did not exist before. Emails are due at the service clock `now`."""
    rows = await _ADD.fetch(connection, [_row(decision, now) for decision in decisions])
    return {notification_id for (notification_id,) in rows}


async def page(connection: Connection, wanted: NotificationFilter) -> list[Mapping[str, Any]]:
    """Columns by name of the notifications, the newest first.

    The status `sending` is shown as `queued`, with `under_way` true.
    """
    return [dict(row) for row in (await connection.execute(_PAGE, asdict(wanted))).mappings()]


async def sent_email(connection: Connection, notification_id: str) -> SentEmail | None:
    """The email with this id, whatever became of it; None where there is none."""
    found = (await connection.execute(_EMAIL, {"notification_id": notification_id})).first()
    return SentEmail(*found) if found else None


async def open_counts(connection: Connection) -> dict[str, int]:
    """Status (`queued`, `sending`) -> emails that have not ended, of the whole service."""
    return {row.status: row.emails for row in await connection.execute(_OPEN_COUNTS)}


def _row(decision: NotificationDecision, now: datetime) -> Row:
    event, status = decision.event, decision.initial_status
    queued = status is NotificationStatus.QUEUED
    return {
        "notification_id": decision.planned.notification_id,
        "account_id": event.metadata.account_id,
        "lifecycle_event_id": event.id,
        "lifecycle_type": event.type,
        "version": event.metadata.version,
        "kind": decision.planned.kind,
        "channel": decision.planned.channel.value,
        "status": status.value,
        "reason": decision.suppressed,
        "attempts": int(status is NotificationStatus.DELIVERED),
        "created_at": event.processing_time(now),
        "next_attempt_at": now if queued else None,
        "event": orjson.dumps(event.envelope) if queued else None,
        "traceparent": event.traceparent,
        "event_time": event.time,
        "code": event.data.code.value if isinstance(event.data, OrderRejected) else None,
        "recipient": _recipient(decision),
        "recipient_id": decision.planned.recipient_id,
    }


def _recipient(decision: NotificationDecision) -> str | None:
    """Never the address itself: the row is kept for good."""
    if decision.planned.channel is not Channel.EMAIL or decision.contact is None:
        return None
    return masked(decision.contact.email)


def notification_of(row: Any) -> Notification:
    """From a row with the columns of `IDENTITY`."""
    return Notification(
        notification_id=row.notification_id,
        account_id=row.account_id,
        lifecycle_event_id=row.lifecycle_event_id,
        lifecycle_type=row.lifecycle_type,
        channel=Channel(row.channel),
        traceparent=row.traceparent,
        recipient_id=row.recipient_id,
        resend_of=row.resend_of,
    )
