"""Internal messages: one row per message, inserted in the transaction of its decision.

Every statement that a recipient causes names the account, so that nobody sees another's messages.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Index, text

from notifier_service.decisions.notification import Notification
from notifier_service.storage.metadata import NotifierTable, Number
from notifier_service.storage.notifications import IDENTITY, NotificationRow, notification_of
from shared.storage.bulk import insert
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import Instant, OptionalInstant, OptionalText, Text, TextKey


class MessageRow(NotifierTable, table=True):
    """`message_id` is the id of its notification; `number` rises per account; `read_at` is null while unread.

    `archived_at` is null while it is in the list; an archived message counts as read.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("message_account", "account_id", "number"),
        Index("message_unread", "account_id", postgresql_where=text("read_at IS NULL")),
    )
    message_id: TextKey
    number: Number
    account_id: Text
    kind: Text
    title: Text
    body: Text
    link: OptionalText
    created_at: Instant
    read_at: OptionalInstant
    archived_at: OptionalInstant


class NewMessage(NamedTuple):
    """A message to be stored; `message_id` is the id of its notification, `body` plain text."""

    message_id: str
    account_id: str
    kind: str
    title: str
    body: str
    link: str | None
    created_at: datetime


class InboxMessage(NamedTuple):
    """A message as its recipient sees it; `body` is plain text."""

    number: int
    message_id: str
    kind: str
    title: str
    body: str
    link: str | None
    created_at: datetime
    read_at: datetime | None
    archived_at: datetime | None


class ReadNotification(NamedTuple):
    """The notification of a message that was just marked as read, with its number of attempts."""

    notification: Notification
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages; None leaves a condition out. `before`: only those with a lower `number`.

    `archived`: those in the archive, else those in the list. `search`: a text in title or body, in any case of letters.
    """

    only_unread: bool
    archived: bool
    kind: str | None
    search: str | None
    before: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class InboxSummary:
    """Of one inbox: the `number` of its newest message (0: none), and how many are unread, and archived."""

    newest: int = 0
    unread: int = 0
    archived: int = 0


_MESSAGE = Selection(MessageRow, *InboxMessage._fields)
_READ = Selection(NotificationRow, *IDENTITY, "attempts")
_ADD = insert(MessageRow, NewMessage._fields)
_PAGE = text(
    f"SELECT {_MESSAGE.sql} FROM message WHERE account_id = :account_id"
    " AND (archived_at IS NOT NULL) = :archived"
    " AND (NOT :only_unread OR read_at IS NULL) AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
    " AND (CAST(:search AS text) IS NULL OR title ILIKE :search OR body ILIKE :search)"
    " AND (CAST(:before AS bigint) IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit"
)
_AFTER = text(
    f"SELECT {_MESSAGE.sql} FROM message WHERE account_id = :account_id AND number > :number"
    " ORDER BY number LIMIT :limit"
)
_NUMBER_OF = text("SELECT number FROM message WHERE account_id = :account_id AND message_id = :message_id")
_FIRST_NUMBER_FROM = text("SELECT min(number) FROM message WHERE account_id = :account_id AND created_at >= :instant")
_SUMMARIES = text(
    "SELECT account_id, max(number) AS newest, count(*) FILTER (WHERE read_at IS NULL) AS unread,"
    " count(archived_at) AS archived"
    " FROM message WHERE account_id = ANY(CAST(:ids AS text[])) GROUP BY account_id"
)
_KINDS = text("SELECT DISTINCT kind FROM message WHERE account_id = :account_id ORDER BY kind")
_ARCHIVE = text(
    "UPDATE message SET archived_at = :now"
    " WHERE account_id = :account_id AND message_id = :message_id AND archived_at IS NULL"
)
_MARK_READ = text(
    "WITH unread AS (SELECT message_id FROM message WHERE account_id = :account_id AND read_at IS NULL"
    "  AND (CAST(:message_id AS text) IS NULL OR message_id = :message_id) ORDER BY message_id FOR UPDATE),"
    " now_read AS (UPDATE message m SET read_at = :now FROM unread WHERE m.message_id = unread.message_id"
    "  RETURNING m.message_id AS notification_id)"
    f" SELECT {_READ.sql} FROM now_read JOIN notification USING (notification_id) ORDER BY number"
)


async def add(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Insert messages into their inboxes."""
    await _ADD.run(connection, [message._asdict() for message in messages])


async def page(connection: Connection, account_id: str, wanted: MessageFilter) -> list[InboxMessage]:
    """Messages, the newest first."""
    arguments = {"account_id": account_id, **asdict(wanted), "search": _containing(wanted.search)}
    return _messages(await connection.execute(_PAGE, arguments))


async def after(connection: Connection, account_id: str, number: int, *, limit: int) -> list[InboxMessage]:
    """Messages with a higher `number`, the oldest first."""
    return _messages(await connection.execute(_AFTER, {"account_id": account_id, "number": number, "limit": limit}))


async def kinds(connection: Connection, account_id: str) -> list[str]:
    """The kinds of which the inbox holds messages, archived ones too."""
    return list((await connection.execute(_KINDS, {"account_id": account_id})).scalars())


async def number_of(connection: Connection, account_id: str, message_id: str) -> int | None:
    """The `number` of this account's message; None where it has no such message."""
    arguments = {"account_id": account_id, "message_id": message_id}
    return (await connection.execute(_NUMBER_OF, arguments)).scalar_one_or_none()


async def first_number_from(connection: Connection, account_id: str, instant: datetime) -> int | None:
    """The `number` of this account's first message created at `instant` or later; None where there is none."""
    arguments = {"account_id": account_id, "instant": instant}
    number: int | None = (await connection.execute(_FIRST_NUMBER_FROM, arguments)).scalar_one()
    return number


async def summaries(connection: Connection, account_ids: Collection[str]) -> dict[str, InboxSummary]:
    """Account id -> summary of its inbox; an inbox without messages is left out."""
    rows = await connection.execute(_SUMMARIES, {"ids": sorted(account_ids)})
    return {row.account_id: InboxSummary(row.newest, row.unread, row.archived) for row in rows}


async def summary(connection: Connection, account_id: str) -> InboxSummary:
    """The summary of one inbox."""
    return (await summaries(connection, [account_id])).get(account_id, InboxSummary())


async def mark_read(
    connection: Connection, account_id: str, message_id: str | None, *, now: datetime
) -> list[ReadNotification]:
    """Mark one message as read, or with None all; the notifications of those that were unread, the oldest first."""
    found = await connection.execute(_MARK_READ, {"account_id": account_id, "message_id": message_id, "now": now})
    return [ReadNotification(notification_of(row), row.attempts) for row in _READ.rows(found)]


async def archive(connection: Connection, account_id: str, message_id: str, *, now: datetime) -> None:
    """Take one message out of the list; a second time changes nothing. Marking it as read is the caller's."""
    await connection.execute(_ARCHIVE, {"account_id": account_id, "message_id": message_id, "now": now})


def _containing(search: str | None) -> str | None:
    """The pattern of LIKE for texts that contain this one."""
    if search is None:
        return None
    for special in ("\\", "%", "_"):
        search = search.replace(special, f"\\{special}")
    return f"%{search}%"


def _messages(found: Iterable[Any]) -> list[InboxMessage]:
    return [InboxMessage._make(row) for row in found]
