"""Emails that a process has claimed: taking them, giving them back, recording what came of them.

Invariants: a claim is a conditional update, so an email is under way in one process only; only the claim's owner
records its result; `owner` is the key of an advisory lock that lives as long as the owning process.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from notifier_service.decisions.decide import Recipient
from notifier_service.decisions.lifecycle_event import LifecycleEvent, read
from notifier_service.decisions.notice import Delivered, Failed, Later, Notice, Result, Status, Suppressed, Untried
from notifier_service.storage import store
from shared.contracts.envelope import decode
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection

_CLAIM = text(
    "UPDATE notification n SET status = 'sending', claimed_by = :owner"
    " FROM (SELECT notification_id FROM notification WHERE status = 'queued' AND next_attempt_at <= :now"
    "  ORDER BY next_attempt_at, number LIMIT :limit FOR UPDATE SKIP LOCKED) AS due"
    " WHERE n.notification_id = due.notification_id"
    " RETURNING n.notification_id, n.account_id, n.lifecycle_event_id, n.lifecycle_type, n.channel, n.attempts,"
    "  n.first_attempt_at, n.event, n.traceparent, n.number"
)
_RECORD = text(
    "UPDATE notification n SET status = r.status, reason = r.reason, claimed_by = NULL,"
    "  attempts = n.attempts + r.tried, first_attempt_at = coalesce(n.first_attempt_at, r.tried_at),"
    "  next_attempt_at = CASE WHEN r.status = 'queued' THEN coalesce(r.retry_at, n.next_attempt_at) END,"
    "  event = CASE WHEN r.status = 'queued' THEN n.event END"
    " FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:tried AS bigint[]),"
    "  CAST(:tried_at AS timestamptz[]), CAST(:retry_at AS timestamptz[]))"
    "  AS r (notification_id, status, reason, tried, tried_at, retry_at)"
    " WHERE n.notification_id = r.notification_id AND n.claimed_by = :owner"
    " RETURNING n.notification_id, n.attempts"
)
_FREE = text(
    "SELECT claimed_by FROM (SELECT DISTINCT claimed_by FROM notification WHERE status = 'sending') AS owners"
    " WHERE claimed_by <> :owner AND pg_try_advisory_xact_lock(claimed_by)"
)
_GIVE_BACK = text(
    "UPDATE notification SET status = 'queued', claimed_by = NULL"
    " WHERE status = 'sending' AND claimed_by = ANY(CAST(:owners AS bigint[]))"
)
_STRAYS = text(
    "UPDATE notification SET status = 'queued', claimed_by = NULL"
    " WHERE status = 'sending' AND claimed_by = :owner AND notification_id <> ALL (CAST(:known AS text[]))"
)
_UNSETTLED = text(
    "SELECT 1 FROM notification WHERE status = 'sending' UNION ALL"
    " SELECT 1 FROM notification WHERE status = 'queued' AND next_attempt_at <= :now LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One email in the hands of this process; `attempts` were made before, the first at `first_attempt_at`."""

    notice: Notice
    event: LifecycleEvent
    recipient: Recipient
    attempts: int
    first_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What came of a claim; `at` is when the relay answered, on the service clock as its event sees it."""

    claim: Claim
    result: Result
    at: datetime


async def take(connection: Connection, owner: int, *, now: datetime, limit: int) -> list[Claim]:
    """Claim emails that are due, the oldest first."""
    rows = (await connection.execute(_CLAIM, {"owner": owner, "now": now, "limit": limit})).all()
    known = await store.recipients(connection, {row.account_id for row in rows}) if rows else {}
    return [_claim(row, known[row.account_id], now) for row in sorted(rows, key=lambda row: int(row.number))]


async def record(connection: Connection, owner: int, records: Sequence[SendResult]) -> dict[str, int]:
    """Store results; notification id -> attempts, for those claims that were still the owner's."""
    ordered = sorted(records, key=lambda one: one.claim.notice.notification_id)
    columns = [_columns(one) for one in ordered]
    names = ("ids", "statuses", "reasons", "tried", "tried_at", "retry_at")
    arguments = {name: [row[place] for row in columns] for place, name in enumerate(names)}
    return {row[0]: row[1] for row in await connection.execute(_RECORD, {**arguments, "owner": owner})}


async def owners_gone(connection: Connection, owner: int) -> set[int]:
    """Other processes that hold claims, but not their lock."""
    return {row[0] for row in await connection.execute(_FREE, {"owner": owner})}


async def give_back(connection: Connection, owners: Collection[int]) -> int:
    """Claims of dead processes wait for their turn again; no attempt is counted. How many there were."""
    return int((await connection.execute(_GIVE_BACK, {"owners": sorted(owners)})).rowcount)


async def give_back_strays(connection: Connection, owner: int, known: Collection[str]) -> int:
    """Claims of `owner` that it does not know of, since the commit of their taking broke. How many there were."""
    return int((await connection.execute(_STRAYS, {"owner": owner, "known": list(known)})).rowcount)


async def unsettled(connection: Connection, now: datetime) -> bool:
    """Whether any copy has an email under way, or one that is due waits."""
    return (await connection.execute(_UNSETTLED, {"now": now})).first() is not None


def _claim(row: Any, recipient: Recipient, now: datetime) -> Claim:
    return Claim(
        notice=Notice(
            notification_id=row.notification_id,
            account_id=row.account_id,
            lifecycle_event_id=row.lifecycle_event_id,
            lifecycle_type=row.lifecycle_type,
            channel=Channel(row.channel),
            traceparent=row.traceparent,
        ),
        event=read(decode(row.event, (), LIFECYCLE_EVENTS)).as_told(now),
        recipient=recipient,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
    )


def _columns(record: SendResult) -> tuple[str, Status, str | None, int, datetime | None, datetime | None]:
    """(id, status, reason, attempts made now, when, when again)."""
    name, at = record.claim.notice.notification_id, record.at
    match record.result:
        case Delivered(reason=reason):
            return name, Status.DELIVERED, reason, 1, at, None
        case Failed(reason=reason, tried=tried):
            return name, Status.FAILED, reason, int(tried), at if tried else None, None
        case Suppressed(reason=reason):
            return name, Status.SUPPRESSED, reason, 0, None, None
        case Later(at=again, reason=reason):
            return name, Status.QUEUED, reason, 1, at, again
        case Untried():  # behind those that are due already: it may be this very mail over which the connection breaks
            return name, Status.QUEUED, None, 0, None, at
