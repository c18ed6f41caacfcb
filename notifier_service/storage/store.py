"""Recipients and decisions in PostgreSQL: all SQL of applying the lifecycle.

Locks are taken in one order, each kind sorted: positions, recipients, tallies, sequences. Everything of an account
is written under the lock of its recipient, so `number` rises in the order of commits.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from notifier_service.content.render import InboxText
from notifier_service.decisions.decide import NotificationDecision, Recipient
from notifier_service.decisions.notice import Status
from notifier_service.decisions.plan import Preferences
from notifier_service.decisions.suppression import LatestVersions
from shared.contracts.envelope import adapter, to_json
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact
from shared.storage.database import Connection

_MAKE = text("INSERT INTO recipient (account_id) SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING")
_RECIPIENTS = (
    "SELECT account_id, contact, contact_version, standing FROM recipient WHERE account_id = ANY(CAST(:ids AS text[]))"
)
_READ = text(_RECIPIENTS)
_LOCK = text(f"{_RECIPIENTS} ORDER BY account_id FOR UPDATE")
_PREFERENCES = text(
    "SELECT account_id, kind, channel FROM preference"
    " WHERE account_id = ANY(CAST(:ids AS text[])) ORDER BY kind, channel"
)
_SAVE = text(
    "UPDATE recipient r SET contact = CAST(n.contact AS jsonb), contact_version = n.contact_version,"
    "  standing = CAST(n.standing AS jsonb)"
    " FROM unnest(CAST(:ids AS text[]), CAST(:contacts AS text[]), CAST(:versions AS bigint[]),"
    "  CAST(:standings AS text[])) AS n (account_id, contact, contact_version, standing)"
    " WHERE r.account_id = n.account_id"
)
_ADD = text(
    "INSERT INTO notification (notification_id, account_id, lifecycle_event_id, lifecycle_type, version, kind, channel,"
    "  status, reason, attempts, event, traceparent, created_at, next_attempt_at)"
    " SELECT n.*, CASE n.status WHEN 'queued' THEN CAST(:now AS timestamptz) END"
    " FROM unnest(CAST(:ids AS text[]), CAST(:accounts AS text[]), CAST(:events AS text[]), CAST(:types AS text[]),"
    "  CAST(:versions AS bigint[]), CAST(:kinds AS text[]), CAST(:channels AS text[]), CAST(:statuses AS text[]),"
    "  CAST(:reasons AS text[]), CAST(:attempts AS bigint[]), CAST(:values AS bytea[]), CAST(:traceparents AS text[]),"
    "  CAST(:created AS timestamptz[]))"
    "  AS n (notification_id, account_id, lifecycle_event_id, lifecycle_type, version, kind, channel, status, reason,"
    "   attempts, event, traceparent, created_at)"
    " ON CONFLICT DO NOTHING RETURNING notification_id"
)
_WRITE = text(
    "INSERT INTO message (message_id, account_id, kind, title, body, link, created_at)"
    " SELECT n.* FROM unnest(CAST(:ids AS text[]), CAST(:accounts AS text[]), CAST(:kinds AS text[]),"
    "  CAST(:titles AS text[]), CAST(:bodies AS text[]), CAST(:links AS text[]), CAST(:created AS timestamptz[]))"
    "  AS n (message_id, account_id, kind, title, body, link, created_at)"
)
_COUNT = text(
    "INSERT INTO notification_tally (channel, status, count)"
    " SELECT * FROM unnest(CAST(:channels AS text[]), CAST(:statuses AS text[]), CAST(:counts AS bigint[]))"
    " ON CONFLICT (channel, status) DO UPDATE SET count = notification_tally.count + excluded.count"
)
_TALLY = text("SELECT channel, status, count FROM notification_tally")
_DECISIONS = text(
    "SELECT * FROM (SELECT notification_id, number, account_id, lifecycle_event_id, lifecycle_type, kind, channel,"
    "  CASE status WHEN 'sending' THEN 'queued' ELSE status END AS status, status = 'sending' AS under_way, reason,"
    "  attempts, created_at, next_attempt_at FROM notification) AS shown"
    " WHERE (CAST(:account_id AS text) IS NULL OR account_id = :account_id)"
    "  AND (CAST(:status AS text) IS NULL OR status = :status)"
    "  AND (CAST(:before AS bigint) IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit"
)
_OPEN = text("SELECT status, count(*) FROM notification WHERE status IN ('queued', 'sending') GROUP BY status")


async def lock(connection: Connection, ids: Collection[str]) -> dict[str, Recipient]:
    """These recipients, locked; those that are new are made."""
    wanted = sorted(ids)
    await connection.execute(_MAKE, {"ids": wanted})
    rows = (await connection.execute(_LOCK, {"ids": wanted})).all()
    return await _recipients(connection, rows)


async def recipients(connection: Connection, ids: Collection[str]) -> dict[str, Recipient]:
    """Those of these recipients that are known, as they stand."""
    rows = (await connection.execute(_READ, {"ids": sorted(ids)})).all()
    return await _recipients(connection, rows)


async def save(connection: Connection, changed: Sequence[Recipient]) -> None:
    """Store what was learned of recipients that are locked."""
    arguments = {
        "ids": [one.account_id for one in changed],
        "contacts": [_document(one.contact) for one in changed],
        "versions": [one.contact_version for one in changed],
        "standings": [orjson.dumps(one.latest_versions.latest).decode() for one in changed],
    }
    await connection.execute(_SAVE, arguments)


async def add(
    connection: Connection, decisions: Sequence[NotificationDecision], wires: Mapping[str, Any], *, now: datetime
) -> set[str]:
    """Store decisions; the ids of those that were not there yet. `wires`: event id -> its envelope, to be kept."""
    statuses = [status_at_first(decision) for decision in decisions]
    arguments = {
        "ids": [one.planned.notification_id for one in decisions],
        "accounts": [one.event.stamp.account_id for one in decisions],
        "events": [one.event.id for one in decisions],
        "types": [one.event.type for one in decisions],
        "versions": [one.event.stamp.version for one in decisions],
        "kinds": [one.planned.kind for one in decisions],
        "channels": [one.planned.channel.value for one in decisions],
        "statuses": [status.value for status in statuses],
        "reasons": [one.suppressed for one in decisions],
        "attempts": [int(status is Status.DELIVERED) for status in statuses],
        "values": [
            orjson.dumps(wires[one.event.id]) if status is Status.QUEUED else None
            for one, status in zip(decisions, statuses, strict=True)
        ],
        "traceparents": [one.event.traceparent for one in decisions],
        "created": [one.event.told_at(now) for one in decisions],
        "now": now,
    }
    return {row[0] for row in await connection.execute(_ADD, arguments)}


def status_at_first(decision: NotificationDecision) -> Status:
    """An internal message is delivered by being written; an email has to wait for its turn."""
    if decision.suppressed is not None:
        return Status.SUPPRESSED
    return Status.DELIVERED if decision.planned.channel is Channel.INBOX else Status.QUEUED


async def write_messages(
    connection: Connection, written: Sequence[tuple[NotificationDecision, InboxText]], *, now: datetime
) -> None:
    """Put internal messages into their inboxes."""
    arguments = {
        "ids": [decision.planned.notification_id for decision, _ in written],
        "accounts": [decision.event.stamp.account_id for decision, _ in written],
        "kinds": [decision.planned.kind for decision, _ in written],
        "titles": [said.title for _, said in written],
        "bodies": [said.body for _, said in written],
        "links": [said.link for _, said in written],
        "created": [decision.event.told_at(now) for decision, _ in written],
    }
    await connection.execute(_WRITE, arguments)


async def decisions(connection: Connection, asked: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Decisions, the newest first. `asked`: account_id, status, before (each may be None), limit.

    What is `sending` shows as `queued`, and as `under_way`.
    """
    return [dict(row) for row in (await connection.execute(_DECISIONS, asked)).mappings()]


async def count(connection: Connection, ends: Iterable[tuple[Channel, Status]]) -> None:
    """Add ends to the tally."""
    counts = Counter(ends)
    ordered = sorted(counts)
    arguments = {
        "channels": [channel.value for channel, _ in ordered],
        "statuses": [status.value for _, status in ordered],
        "counts": [counts[key] for key in ordered],
    }
    if ordered:
        await connection.execute(_COUNT, arguments)


async def counted(connection: Connection) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """For the metrics: (channel, status) -> ends so far, and status -> emails that have not ended."""
    ends = {(row[0], row[1]): row[2] for row in await connection.execute(_TALLY)}
    waiting = {row[0]: row[1] for row in await connection.execute(_OPEN)}
    return ends, waiting


async def _recipients(connection: Connection, rows: Sequence[Any]) -> dict[str, Recipient]:
    muted: dict[str, set[tuple[str, Channel]]] = {row.account_id: set() for row in rows}
    for row in await connection.execute(_PREFERENCES, {"ids": list(muted)}):
        muted[row.account_id].add((row.kind, Channel(row.channel)))
    return {row.account_id: _recipient(row, frozenset(muted[row.account_id])) for row in rows}


def _recipient(row: Any, muted: frozenset[tuple[str, Channel]]) -> Recipient:
    return Recipient(
        account_id=row.account_id,
        contact=adapter(Contact).validate_python(row.contact) if row.contact else None,
        contact_version=row.contact_version,
        latest_versions=LatestVersions(row.standing),
        preferences=Preferences(muted),
    )


def _document(contact: Contact | None) -> str | None:
    return to_json(contact).decode() if contact else None
