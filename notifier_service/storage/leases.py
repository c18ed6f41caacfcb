"""Leases: which process is delivering which email, in the columns `status` and `claimed_by` of `notification`.

Invariants: a lease is taken by a conditional update, so an email is delivered by one process at a time; only the owner
records its result. `owner` is also the key of the advisory lock that the process holds while it lives
(`delivery.process_session`); a lease whose owner's lock is free may be ended by any other process.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import text

from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.lifecycle_event import LifecycleEvent, read
from notifier_service.decisions.notification import (
    Delivered,
    DeliveryResult,
    EarlierAttempts,
    Failed,
    Interrupted,
    NotAttempted,
    Notification,
    NotificationStatus,
    RetryLater,
    Suppressed,
)
from notifier_service.decisions.recipient import Recipient, addressee_of, masked
from notifier_service.storage import recipients
from notifier_service.storage.notifications import IDENTITY, NotificationRow, notification_of
from shared.contracts.envelope import decode
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.storage.bulk import Bulk
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.statement import Statement

_LEASED = Selection(NotificationRow, *IDENTITY, "attempts", "first_attempt_at", "interruptions", "event", "number")
_ACQUIRE = Statement(
    "UPDATE notification SET status = 'sending', claimed_by = :owner"
    " FROM (SELECT notification_id AS due_id FROM notification WHERE status = 'queued' AND next_attempt_at <= :now"
    "   AND (paused_until IS NULL OR paused_until <= clock_timestamp())"
    "  ORDER BY next_attempt_at, number LIMIT :limit FOR UPDATE SKIP LOCKED) AS due"
    f" WHERE notification_id = due_id RETURNING {_LEASED.sql}"
)
_RECORD = Bulk(
    NotificationRow,
    "UPDATE notification SET status = n.status, reason = n.reason, claimed_by = NULL,"
    "  attempts = notification.attempts + n.attempts,"
    "  first_attempt_at = coalesce(notification.first_attempt_at, n.first_attempt_at),"
    "  next_attempt_at = CASE WHEN n.status = 'queued' THEN n.next_attempt_at END,"
    "  interruptions = CASE WHEN n.pause_milliseconds > 0 THEN notification.interruptions + 1"
    "   WHEN n.attempts > 0 THEN 0 ELSE notification.interruptions END,"
    "  paused_until = CASE WHEN n.pause_milliseconds > 0"
    "   THEN clock_timestamp() + make_interval(secs => n.pause_milliseconds / 1000.0) END,"
    "  event = CASE WHEN n.status = 'queued' THEN notification.event END,"
    "  recipient = CASE WHEN notification.recipient IS NOT NULL THEN coalesce(n.recipient, notification.recipient) END,"
    "  address_hash = CASE WHEN n.attempts > 0 AND notification.recipient IS NOT NULL THEN n.address_hash"
    "   ELSE notification.address_hash END"
    " FROM {rows} WHERE notification.notification_id = n.notification_id AND notification.claimed_by = :owner"
    " RETURNING notification.notification_id, notification.attempts",
    (
        *("notification_id", "status", "reason", "attempts", "first_attempt_at", "next_attempt_at"),
        *("recipient", "address_hash"),
    ),
    also={"pause_milliseconds": "attempts"},
)
_OWNED = text("SELECT notification_id FROM notification WHERE status = 'sending' AND claimed_by = :owner")
_ABANDONING_OWNERS = text(
    "SELECT claimed_by FROM (SELECT DISTINCT claimed_by FROM notification WHERE status = 'sending') AS owners"
    " WHERE claimed_by <> :owner AND pg_postmaster_start_time() < clock_timestamp() - interval '10 seconds'"
    "  AND pg_try_advisory_xact_lock(claimed_by)"
)
_END = (
    "UPDATE notification SET status = 'queued', claimed_by = NULL"
    " WHERE status = 'sending' AND claimed_by = ANY(CAST(:owners AS bigint[]))"
)
_END_ALL = text(_END)
_END_OTHERS = text(f"{_END} AND notification_id <> ALL (CAST(:current AS text[]))")
_PENDING = text(
    "SELECT 1 FROM notification WHERE status = 'sending' UNION ALL"
    " SELECT 1 FROM notification WHERE status = 'queued' AND next_attempt_at <= :now LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One email that this process is to deliver; `event` is as of the service clock when the lease was taken.

    `addressee`: as known then; None where nobody is known.
    """

    notification: Notification
    event: LifecycleEvent
    recipient: Recipient
    addressee: Addressee | None
    earlier: EarlierAttempts


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseResult:
    """What came of a lease; `at`: when, as `LifecycleEvent.processing_time`; `address_hash`: where it went."""

    lease: Lease
    result: DeliveryResult
    at: datetime
    address_hash: str | None = None


async def acquire(connection: Connection, owner: int, *, now: datetime, limit: int) -> list[Lease]:
    """Lease at most `limit` emails that are due at the service clock `now`; the oldest first."""
    rows = list(_LEASED.rows(await _ACQUIRE.fetch(connection, {"owner": owner, "now": now, "limit": limit})))
    known = await recipients.load(connection, {row.account_id for row in rows}) if rows else {}
    return [_lease(row, known[row.account_id], now) for row in sorted(rows, key=attrgetter("number"))]


async def record(connection: Connection, owner: int, results: Sequence[LeaseResult]) -> dict[str, int]:
    """Store results and end the leases.

    Notification id -> attempts so far, of those leases that `owner` still had; the others are left as they are.
    """
    ordered = sorted(results, key=lambda one: one.lease.notification.notification_id)
    return dict(await _RECORD.fetch(connection, [_row(one) for one in ordered], owner=owner))


async def owned(connection: Connection, owner: int) -> set[str]:
    """Notification ids of all leases of `owner`."""
    return {row.notification_id for row in await connection.execute(_OWNED, {"owner": owner})}


async def abandoning_owners(connection: Connection, owner: int) -> set[int]:
    """Other owners of leases whose advisory lock is free: their process, or its session, has ended.

    None in the first seconds of a database server, when living processes are still opening their sessions.
    """
    return {row.claimed_by for row in await connection.execute(_ABANDONING_OWNERS, {"owner": owner})}


async def end_all(connection: Connection, owners: Collection[int]) -> int:
    """End all leases of these owners without counting an attempt; the number of leases."""
    return int((await connection.execute(_END_ALL, {"owners": sorted(owners)})).rowcount)


async def end_others(connection: Connection, owner: int, current: Collection[str]) -> int:
    """End the leases of `owner` except for the notification ids `current`; the number of leases.

    A process has leases that it does not know of when it leased them by a commit (`acquire`) whose answer was lost.
    """
    arguments = {"owners": [owner], "current": sorted(current)}
    return int((await connection.execute(_END_OTHERS, arguments)).rowcount)


async def pending(connection: Connection, now: datetime) -> bool:
    """Whether any email is leased by any process, or due at the service clock `now`."""
    return (await connection.execute(_PENDING, {"now": now})).first() is not None


def _lease(row: Any, recipient: Recipient, now: datetime) -> Lease:
    event = read(decode(row.event, (), LIFECYCLE_EVENTS)).as_of(now)
    return Lease(
        notification=notification_of(row),
        event=event,
        recipient=recipient,
        addressee=addressee_of(event, recipient, row.recipient_id),
        earlier=EarlierAttempts(count=row.attempts, first_at=row.first_attempt_at, interruptions=row.interruptions),
    )


def _row(done: LeaseResult) -> dict[str, object]:
    """With the address as it was when the lease was taken: it may be another than the one that was planned for."""
    addressee = done.lease.addressee
    return {
        "notification_id": done.lease.notification.notification_id,
        "recipient": masked(addressee.contact.email) if addressee else None,
        "address_hash": done.address_hash,
        **_columns(done),
    }


def _columns(done: LeaseResult) -> dict[str, object]:
    """What became of it: attempts made now, when, and when the next one is due."""
    attempted = {"attempts": 1, "first_attempt_at": done.at}
    match done.result:
        case Delivered(reason=reason):
            return _stored(NotificationStatus.DELIVERED, reason, **attempted)
        case Failed(reason=reason, attempted=was_attempted):
            return _stored(NotificationStatus.FAILED, reason, **(attempted if was_attempted else {}))
        case Suppressed(reason=reason):
            return _stored(NotificationStatus.SUPPRESSED, reason)
        case RetryLater(reason=reason, retry_at=retry_at):
            return _stored(NotificationStatus.QUEUED, reason, **attempted, next_attempt_at=retry_at)
        # Then it is due after all others that are due now: it may be this very email at which the connection breaks.
        case Interrupted(reason=reason, pause_seconds=seconds):
            milliseconds = round(seconds * 1000)
            return _stored(NotificationStatus.QUEUED, reason, next_attempt_at=done.at, pause_milliseconds=milliseconds)
        case NotAttempted():
            return _stored(NotificationStatus.QUEUED, None, next_attempt_at=done.at)


def _stored(status: NotificationStatus, reason: str | None, **columns: object) -> dict[str, object]:
    """The columns of a result; those that are not given say that no attempt was made and none is due."""
    none = {"attempts": 0, "first_attempt_at": None, "next_attempt_at": None, "pause_milliseconds": 0}
    return {"status": status.value, "reason": reason, **none, **columns}
