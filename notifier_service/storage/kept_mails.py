"""Kept mails: each as it was handed to the relay, with the lifecycle event that it tells of, both compressed.

A resend is composed anew from the event, so that its links and days are those of the day. Of a forgotten person nothing
is kept (R48), also where a mail was under way meanwhile.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Index, text

from notifier_service.storage.metadata import NotifierTable
from shared.storage.bulk import Bulk
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import Instant, Text, TextKey

_FAST: Final = 1
"""The level of compression; a higher one makes mails a tenth smaller, and takes three times as long."""


class KeptMailRow(NotifierTable, table=True):
    """`content`: the message; `event`: the envelope of the lifecycle event as JSON; both by zlib."""

    __tablename__ = "kept_mail"
    __table_args__ = (Index("kept_mail_account", "account_id"), Index("kept_mail_age", "kept_at"))
    notification_id: TextKey
    account_id: Text
    kept_at: Instant
    content: bytes
    event: bytes


class KeptMail(NamedTuple):
    """A mail as it was sent; `kept_at` on the service clock, `event` the envelope of the lifecycle event as JSON."""

    notification_id: str
    account_id: str
    kept_at: datetime
    content: bytes
    event: bytes


_SELECTED = Selection(KeptMailRow, *KeptMail._fields)
_NAMES: Final = ", ".join(f"n.{name}" for name in KeptMail._fields)
_ADD = Bulk(
    KeptMailRow,
    f"INSERT INTO kept_mail ({{names}}) SELECT {_NAMES} FROM {{rows}} JOIN notification USING (notification_id)"
    " WHERE notification.recipient IS NOT NULL ON CONFLICT DO NOTHING",
    KeptMail._fields,
)
_LOAD = text(f"SELECT {_SELECTED.sql} FROM kept_mail WHERE notification_id = :notification_id")
_DELETE_BEFORE = text(
    "DELETE FROM kept_mail WHERE ctid = ANY(ARRAY(SELECT ctid FROM kept_mail"
    " WHERE kept_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED))"
)
_FORGET = text("DELETE FROM kept_mail WHERE account_id = :account_id")


async def add(connection: Connection, mails: Sequence[KeptMail]) -> None:
    """Keep mails that were just recorded, but for those of a person who was forgotten meanwhile."""
    compressed = [one._replace(content=_pack(one.content), event=_pack(one.event)) for one in mails]
    await _ADD.run(connection, [one._asdict() for one in compressed])


async def load(connection: Connection, notification_id: str) -> KeptMail | None:
    """The mail of a notification; None where none is kept."""
    for row in await connection.execute(_LOAD, {"notification_id": notification_id}):
        stored = KeptMail._make(row)
        return stored._replace(content=zlib.decompress(stored.content), event=zlib.decompress(stored.event))
    return None


async def delete_before(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` mails that were kept before an instant of the service clock; how many there were."""
    return (await connection.execute(_DELETE_BEFORE, {"before": before, "limit": limit})).rowcount


async def forget(connection: Connection, account_id: str) -> None:
    """Delete all of an account (R48)."""
    await connection.execute(_FORGET, {"account_id": account_id})


def _pack(content: bytes) -> bytes:
    return zlib.compress(content, _FAST)
