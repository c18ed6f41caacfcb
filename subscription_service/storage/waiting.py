"""Waiting events: one row per event, as it was received (R4, R40).

An event waits for an accepted purchase of its account until an instant, or until all that is due before it has
happened; see `domain.waiting`. How many wait is kept with each change, so that no scrape of the metrics counts them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Index, text

from shared.kafka.record import Record
from shared.outbox import log
from shared.storage.bulk import Row, insert, update, upsert
from shared.storage.columns import Selection, names_of
from shared.storage.database import Connection
from shared.storage.tables import BigInteger, BigIntegerKey, OptionalInstant, Text, TextKey
from subscription_service import person_data
from subscription_service.handlers import Incoming, reread
from subscription_service.pauses import with_pauses
from subscription_service.storage.metadata import SubscriptionTable
from subscription_service.unit_of_work import LockedAccount


class WaitingRow(SubscriptionTable, table=True):
    """`id` rises in order of arrival. `until`: end of the wait for a purchase; NULL: it waits for timers.

    `topic`: logical name; `broker_topic`, `partition`, `record_offset`, `key`, `value`, `headers`: of the record.
    `fingerprint`: of the content that it came with, where its person was forgotten since (R48).
    """

    __tablename__ = "waiting"
    __table_args__ = (Index("waiting_account", "account_id", "id"), Index("waiting_until", "account_id", "until"))
    id: BigIntegerKey
    account_id: Text
    until: OptionalInstant
    topic: Text
    broker_topic: Text
    partition: int
    record_offset: BigInteger
    key: bytes | None
    value: bytes
    headers: bytes | None
    fingerprint: bytes | None


class WaitingCountRow(SubscriptionTable, table=True):
    """One row, `name` = waiting: how many rows `waiting` has."""

    __tablename__ = "waiting_count"
    name: TextKey
    count: BigInteger


class StoredEvent(NamedTuple):
    """A waiting event; `until` as in its row."""

    event: Incoming
    until: datetime | None


_READ = Selection(WaitingRow)
_OF_ACCOUNTS = text(f"SELECT {_READ.sql} FROM waiting WHERE account_id = ANY(:ids) ORDER BY id")
_OVER = text(f"SELECT {_READ.sql} FROM waiting WHERE account_id = ANY(:ids) AND until <= :at ORDER BY id")
_NEXT_DEADLINES = text(
    "SELECT account_id, (SELECT until FROM waiting WHERE waiting.account_id = n.account_id AND until > :at"
    " ORDER BY until LIMIT 1) AS until FROM unnest(CAST(:ids AS text[])) AS n (account_id)"
)
_ADD = insert(WaitingRow, names_of(WaitingRow, without=["id"]))
_REWRITE = update(WaitingRow, ("id", "key", "value", "headers", "fingerprint"))
_DELETE = text("DELETE FROM waiting WHERE id = ANY(:ids)")
_FIRST = text(f"SELECT {_READ.sql} FROM waiting WHERE account_id = :id ORDER BY id LIMIT :limit")
_NAME: Final = "waiting"
_ADD_TO_COUNT = upsert(WaitingCountRow, add=["count"])
_READ_COUNT = text(f"SELECT count FROM waiting_count WHERE name = '{_NAME}'")


async def of_accounts(connection: Connection, account_ids: Sequence[str]) -> list[StoredEvent]:
    """The waiting events of these accounts, in order of arrival."""
    if not account_ids:
        return []
    found = _READ.rows(await connection.execute(_OF_ACCOUNTS, {"ids": account_ids}))
    return await with_pauses(StoredEvent(_incoming(row), row.until) for row in found)


async def over(connection: Connection, account_ids: Sequence[str], at: datetime) -> list[StoredEvent]:
    """Those of their parked events whose wait is over at an instant (UTC), in order of arrival."""
    found = _READ.rows(await connection.execute(_OVER, {"ids": account_ids, "at": at}))
    return await with_pauses(StoredEvent(_incoming(row), row.until) for row in found)


async def next_deadlines(
    connection: Connection, account_ids: Sequence[str], at: datetime
) -> Mapping[str, datetime | None]:
    """Account id -> the end of the first wait that ends after an instant (UTC); None where none does."""
    found = await connection.execute(_NEXT_DEADLINES, {"ids": account_ids, "at": at})
    return {row.account_id: row.until for row in found}


async def first_of_account(connection: Connection, account_id: str, *, limit: int) -> list[StoredEvent]:
    """Its waiting events, at most `limit` of them, in order of arrival."""
    found = _READ.rows(await connection.execute(_FIRST, {"id": account_id, "limit": limit}))
    return [StoredEvent(_incoming(row), row.until) for row in found]


async def save(connection: Connection, changed: Iterable[LockedAccount], *, stopped: Iterable[int]) -> None:
    """Delete the rows of events that wait no more (`stopped`: their ids), add those that have begun to wait, and write
    those anew whose person was forgotten.
    """
    ids = sorted(stopped)
    deleted = (await connection.execute(_DELETE, {"ids": ids})).rowcount if ids else 0
    waiting = [(event, until) for locked in changed for event, until in locked.waiting]
    rows = [_row(event, until) for event, until in waiting if event.waiting_id is None]
    await _ADD.run(connection, rows)
    await _REWRITE.run(connection, [_content(event) for event, _ in waiting if event.rewritten and event.waiting_id])
    if len(rows) != deleted:
        await _ADD_TO_COUNT.run(connection, [{"name": _NAME, "count": len(rows) - deleted}])


async def count(connection: Connection) -> int:
    """How many events wait now (G4)."""
    return (await connection.execute(_READ_COUNT)).scalar_one_or_none() or 0


def _incoming(row: Any) -> Incoming:
    """The record is read again; it was valid when it came."""
    record: Record = Record(
        topic=row.broker_topic,
        partition=row.partition,
        offset=row.record_offset,
        timestamp=0,
        timestamp_type=0,
        key=row.key,
        value=row.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=log.unpack(row.headers),
    )
    kept = row.fingerprint
    incoming = person_data.reread(record, row.topic, kept) if kept else reread(record, row.topic)
    incoming.waiting_id = row.id
    return incoming


def _row(event: Incoming, until: datetime | None) -> Row:
    record = event.record
    return {
        "account_id": event.account_id,
        "until": until,
        "topic": event.topic,
        "broker_topic": record.topic,
        "partition": record.partition,
        "record_offset": record.offset,
        **_record_content(event),
    }


def _content(event: Incoming) -> Row:
    """What is written anew of a row."""
    return {"id": event.waiting_id, **_record_content(event)}


def _record_content(event: Incoming) -> Row:
    record = event.record
    return {
        "key": record.key,
        "value": record.value,
        "headers": log.pack(tuple(record.headers)),
        "fingerprint": event.kept_fingerprint,
    }
