"""Receipts: one row for each record whose sender asked what became of it. Kept for a day."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import DateTime, Index, text
from sqlmodel import Field

from shared.storage.bulk import upsert
from shared.storage.database import Connection
from shared.storage.stored_positions import Partition
from shared.storage.tables import BigIntegerKey, IntegerKey, Text, TextKey
from subscription_service.receipts import Receipt, ReceiptOutcome
from subscription_service.storage.metadata import SubscriptionTable


class ReceiptRow(SubscriptionTable, table=True):
    """As `Receipt`."""

    __tablename__ = "receipt"
    __table_args__ = (Index("receipt_age", "made_at"),)
    receipt_id: TextKey
    topic: TextKey
    partition: IntegerKey
    record_offset: BigIntegerKey
    outcome: Text
    detail: Text
    made_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


_SAVE = upsert(ReceiptRow, Receipt._fields)
_OF_PARTITION = text(
    f"SELECT {', '.join(Receipt._fields)} FROM receipt WHERE receipt_id = :receipt_id AND topic = :topic"
    " AND partition = :partition AND record_offset > :after ORDER BY record_offset LIMIT :limit"
)
_DELETE_OLD = text(
    "DELETE FROM receipt WHERE ctid = ANY(ARRAY(SELECT ctid FROM receipt"
    " WHERE made_at < now() - interval '1 day' LIMIT :limit FOR UPDATE SKIP LOCKED))"
)


async def save(connection: Connection, receipts: Iterable[Receipt]) -> None:
    """Store these; an earlier outcome of the same record is replaced."""
    await _SAVE.run(connection, [receipt._asdict() for receipt in receipts])


async def of_partition(
    connection: Connection, receipt_id: str, partition: Partition, *, after: int, limit: int
) -> Sequence[Receipt]:
    """The receipts with this id for records of one partition with a higher offset than `after`, by offset."""
    arguments = {"receipt_id": receipt_id, **partition._asdict(), "after": after, "limit": limit}
    found = await connection.execute(_OF_PARTITION, arguments)
    return [Receipt(*row)._replace(outcome=ReceiptOutcome(row.outcome)) for row in found]


async def delete_old(connection: Connection, limit: int) -> int:
    """Delete up to `limit` receipts that are older than 24 hours; returns how many there were."""
    return (await connection.execute(_DELETE_OLD, {"limit": limit})).rowcount
