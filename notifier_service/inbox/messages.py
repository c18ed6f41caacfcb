"""Internal messages as their recipient sees them, in PostgreSQL. Every statement names the account that asks.

Reading a message is told once on `notification-outcomes`, in the same transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from notifier_service import outbox_entries
from notifier_service.decisions.notice import Notice
from notifier_service.storage import signals
from notifier_service.storage.signals import Signal
from shared.contracts.outcomes import Channel
from shared.outbox import log
from shared.storage.database import Connection

_COLUMNS = "number, message_id, account_id, kind, title, body, link, created_at, read_at"
_PAGE = text(
    f"SELECT {_COLUMNS} FROM message WHERE account_id = :account_id"  # noqa: S608  a constant
    " AND (NOT :only_unread OR read_at IS NULL) AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    " AND (CAST(:before AS bigint) IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit"
)
_SINCE = text(
    f"SELECT {_COLUMNS} FROM message WHERE account_id = :account_id AND number > :since"  # noqa: S608  a constant
    " ORDER BY number LIMIT :limit"
)
_NUMBER = text("SELECT number FROM message WHERE account_id = :account_id AND message_id = :message_id")
_NUMBER_FROM = text("SELECT min(number) FROM message WHERE account_id = :account_id AND created_at >= :instant")
_STANDINGS = text(
    "SELECT account_id, max(number) AS last, count(*) FILTER (WHERE read_at IS NULL) AS unread"
    " FROM message WHERE account_id = ANY(CAST(:ids AS text[])) GROUP BY account_id"
)
_READ = text(
    "WITH unread AS (SELECT message_id FROM message WHERE account_id = :account_id AND read_at IS NULL"
    "  AND (CAST(:message_id AS text) IS NULL OR message_id = :message_id) ORDER BY message_id FOR UPDATE),"
    " now_read AS (UPDATE message m SET read_at = :now FROM unread WHERE m.message_id = unread.message_id"
    "  RETURNING m.message_id)"
    " SELECT n.notification_id, n.account_id, n.lifecycle_event_id, n.lifecycle_type, n.channel, n.traceparent,"
    "  n.attempts FROM now_read JOIN notification n ON n.notification_id = now_read.message_id ORDER BY n.number"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`before` is the `number` behind which a page begins."""

    only_unread: bool = False
    kind: str | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class InboxSummary:
    """Of one inbox: the number of its last message (0: none), and how many are unread."""

    last: int = 0
    unread: int = 0


async def page(connection: Connection, account_id: str, wanted: Filter) -> Sequence[Any]:
    """Messages, the newest first."""
    arguments = {
        "account_id": account_id,
        "only_unread": wanted.only_unread,
        "kind": wanted.kind,
        "before": wanted.before,
        "limit": wanted.limit,
    }
    return (await connection.execute(_PAGE, arguments)).all()


async def since(connection: Connection, account_id: str, number: int, *, limit: int) -> Sequence[Any]:
    """Messages behind `number`, the oldest first."""
    arguments = {"account_id": account_id, "since": number, "limit": limit}
    return (await connection.execute(_SINCE, arguments)).all()


async def number_of(connection: Connection, account_id: str, message_id: str) -> int | None:
    """The place of this account's message; None where it has no such message."""
    arguments = {"account_id": account_id, "message_id": message_id}
    return (await connection.execute(_NUMBER, arguments)).scalar_one_or_none()


async def number_from(connection: Connection, account_id: str, instant: datetime) -> int | None:
    """The place of this account's first message from `instant` on; None where there is none."""
    arguments = {"account_id": account_id, "instant": instant}
    number: int | None = (await connection.execute(_NUMBER_FROM, arguments)).scalar_one()
    return number


async def summaries(connection: Connection, ids: Collection[str]) -> dict[str, InboxSummary]:
    """How these inboxes stand; one without messages is left out."""
    rows = await connection.execute(_STANDINGS, {"ids": sorted(ids)})
    return {row.account_id: InboxSummary(row.last, row.unread) for row in rows}


async def unread(connection: Connection, account_id: str) -> int:
    """How many messages are unread."""
    return (await summaries(connection, [account_id])).get(account_id, InboxSummary()).unread


async def read(
    connection: Connection, account_id: str, message_id: str | None, *, now: datetime, partitions: int
) -> None:
    """Mark one message as read, or with None all; `partitions` is the number of the outcomes' topic."""
    arguments = {"account_id": account_id, "message_id": message_id, "now": now}
    rows = (await connection.execute(_READ, arguments)).all()
    entries = [outbox_entries.read(_notice(row), attempts=row.attempts, now=now, partitions=partitions) for row in rows]
    await log.append(connection, entries)
    if rows:
        await signals.tell(connection, Signal.INBOX)


def _notice(row: Any) -> Notice:
    return Notice(
        notification_id=row.notification_id,
        account_id=row.account_id,
        lifecycle_event_id=row.lifecycle_event_id,
        lifecycle_type=row.lifecycle_type,
        channel=Channel(row.channel),
        traceparent=row.traceparent,
    )
