"""The order list: one row per order, refused ones too; a row never changes (R18)."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Index, text

from shared.contracts.envelope import json_reader, to_json
from shared.contracts.types import Specification
from shared.storage.bulk import Row, insert
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import Document, Instant, OptionalInstant, Text, TextKey
from subscription_service.domain.orders import OrderEntry, OrderType, order_entries
from subscription_service.domain.policy import Catalog
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.account_range import IN_RANGE, AccountRange
from subscription_service.storage.metadata import OptionalAmount, SubscriptionTable


class OrderRow(SubscriptionTable, table=True):
    """The columns are those of `domain.orders.OrderEntry`."""

    __tablename__ = "order_entry"
    __table_args__ = (Index("order_account", "account_id", "placed_at"),)
    order_id: TextKey
    account_id: Text
    type: Text
    placed_at: Instant
    starts_at: OptionalInstant
    ends_at: OptionalInstant
    months: int | None
    specification: Document
    fee: OptionalAmount
    rejected: bool
    catalog_version: Text


_read_specification = json_reader(Specification)
_READ = Selection(OrderRow)
_ADD = insert(OrderRow, or_ignore=True)
_OF_ACCOUNT = text(f"SELECT {_READ.sql} FROM order_entry WHERE account_id = :id ORDER BY placed_at, order_id")
_OF_RANGE = text(f"SELECT {_READ.sql} FROM order_entry WHERE {IN_RANGE}")


async def save(connection: Connection, emitted: Iterable[EmittedEvent], catalog: Catalog) -> None:
    """Store the orders that these events answer."""
    await _ADD.run(connection, list(_rows(emitted, catalog)))


async def of_account(connection: Connection, account_id: str) -> list[OrderEntry]:
    """The orders of an account, the oldest first."""
    return [_entry(row) for row in _READ.rows(await connection.execute(_OF_ACCOUNT, {"id": account_id}))]


async def of_range(connection: Connection, accounts: AccountRange) -> list[tuple[str, OrderEntry]]:
    """Account id and entry of every order, in no order."""
    found = _READ.rows(await connection.execute(_OF_RANGE, accounts._asdict()))
    return [(row.account_id, _entry(row)) for row in found]


def _rows(emitted: Iterable[EmittedEvent], catalog: Catalog) -> Iterator[Row]:
    for event in emitted:
        cause = event.cause.event.type if isinstance(event.cause, Incoming) else "timer"
        for entry in order_entries(event.data, account=event.account, cause_type=cause, at=event.at, catalog=catalog):
            yield _row(event.account_id, entry)


def _row(account_id: str, entry: OrderEntry) -> Row:
    return {
        "order_id": entry.order_id,
        "account_id": account_id,
        "type": entry.type,
        "placed_at": entry.placed_at,
        "starts_at": entry.starts_at,
        "ends_at": entry.ends_at,
        "months": entry.months,
        "specification": to_json(entry.specification).decode() if entry.specification else None,
        "fee": entry.fee,
        "rejected": entry.rejected,
        "catalog_version": entry.catalog_version,
    }


def _entry(row: Any) -> OrderEntry:
    return OrderEntry(
        order_id=row.order_id,
        type=OrderType(row.type),
        placed_at=row.placed_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        months=row.months,
        specification=_read_specification(row.specification) if row.specification else None,
        fee=row.fee,
        rejected=row.rejected,
        catalog_version=row.catalog_version,
    )
