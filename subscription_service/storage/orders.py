"""The order list: one row per order, refused ones too; a row changes only where its order is taken
back, or its term extended (R18, R46, R47).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from shared.contracts.envelope import json_reader, to_json
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended
from shared.contracts.types import Specification
from shared.storage.bulk import Bulk, Row, insert, update
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import Document, Instant, OptionalInstant, Text, TextKey
from subscription_service.domain.model import PlacedOrder
from subscription_service.domain.orders import OrderEntry, OrderType, moved_end, order_entries
from subscription_service.domain.policy import Rules
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
    cancelled: bool = Field(sa_column_kwargs={"server_default": text("false")})
    catalog_version: Text


_read_specification = json_reader(Specification)
_READ = Selection(OrderRow)
_ADD = insert(OrderRow, or_ignore=True)
_CANCEL = update(OrderRow, ("order_id", "account_id", "cancelled"), only_if="order_entry.account_id = n.account_id")
_MOVE_ENDS = Bulk(
    OrderRow,
    "UPDATE order_entry o SET ends_at = n.new_end FROM {rows}"
    " WHERE o.account_id = n.account_id AND o.ends_at = n.ends_at AND NOT o.cancelled",
    ("account_id", "ends_at"),
    also={"new_end": "ends_at"},
)
_PLACED = Bulk(
    OrderRow,
    "SELECT o.account_id, o.order_id, o.cancelled, coalesce(-l.amount, 0.00) AS charged, o.fee, o.months,"
    " CAST(o.specification AS text) AS specification FROM {rows}"
    " JOIN order_entry o USING ({names})"
    " LEFT JOIN ledger_entry l ON l.kind = 'charge' AND l.entry_id = o.order_id WHERE NOT o.rejected",
    ("account_id", "order_id"),
)
_OF_ACCOUNT = text(
    f"SELECT {_READ.sql} FROM order_entry WHERE account_id = :id"
    " ORDER BY placed_at, starts_at NULLS LAST, order_id"  # an import places all its terms at one instant
)
_OF_RANGE = text(f"SELECT {_READ.sql} FROM order_entry WHERE {IN_RANGE}")


async def save(connection: Connection, emitted: Sequence[EmittedEvent], rules: Rules) -> None:
    """Store the orders that these events answer, mark those that they take back, move the ends of extended ones."""
    for stretch in stretches(emitted):
        await _ADD.run(connection, list(_rows(stretch, rules)))
        taken_back = [(each.account_id, each.data) for each in stretch if isinstance(each.data, RenewalTakenBack)]
        await _CANCEL.run(connection, [_cancelled(account_id, data) for account_id, data in taken_back])
        extended = [(each.account_id, each.data) for each in stretch if isinstance(each.data, TermExtended)]
        await _MOVE_ENDS.run(connection, [_moved(account_id, data, rules) for account_id, data in extended])


def stretches(emitted: Iterable[EmittedEvent]) -> Iterator[list[EmittedEvent]]:
    """The events in their order, cut so that a statement per stretch is enough: in each they are of one sort, and of
    those that change entries no account has two.
    """
    stretch, accounts = list[EmittedEvent](), set[str]()
    for event in emitted:
        sort = _changes_entries(event)
        if stretch and (sort is not _changes_entries(stretch[0]) or (sort and event.account_id in accounts)):
            yield stretch
            stretch, accounts = [], set()
        stretch.append(event)
        accounts.add(event.account_id)
    if stretch:
        yield stretch


def _cancelled(account_id: str, taken_back: RenewalTakenBack) -> Row:
    return {"order_id": taken_back.order_id, "account_id": account_id, "cancelled": True}


def _moved(account_id: str, extended: TermExtended, rules: Rules) -> Row:
    before, after = moved_end(extended, rules.policy.billing_zone)
    return {"account_id": account_id, "ends_at": before, "new_end": after}


def _changes_entries(event: EmittedEvent) -> type | None:
    """The sort of an event that changes entries which are there; None for all others."""
    return type(event.data) if isinstance(event.data, RenewalTakenBack | TermExtended) else None


async def placed(connection: Connection, wanted: Collection[tuple[str, str]]) -> dict[str, dict[str, PlacedOrder]]:
    """Of these orders (account id, order id) those that the account has placed: account id -> order id -> order."""
    found: defaultdict[str, dict[str, PlacedOrder]] = defaultdict(dict)
    rows = [{"account_id": account_id, "order_id": order_id} for account_id, order_id in sorted(wanted)]
    for account_id, order_id, cancelled, charged, fee, months, document in await _PLACED.fetch(connection, rows):
        specification = _read_specification(document) if document else None
        found[account_id][order_id] = PlacedOrder(charged, cancelled, fee, months, specification)
    return found


async def of_account(connection: Connection, account_id: str) -> list[OrderEntry]:
    """Orders of an account, the oldest first, those of one instant in the order of their terms, refused ones last."""
    return [_entry(row) for row in _READ.rows(await connection.execute(_OF_ACCOUNT, {"id": account_id}))]


async def of_range(connection: Connection, accounts: AccountRange) -> list[tuple[str, OrderEntry]]:
    """Account id and entry of every order, in no order."""
    found = _READ.rows(await connection.execute(_OF_RANGE, accounts._asdict()))
    return [(row.account_id, _entry(row)) for row in found]


def _rows(emitted: Iterable[EmittedEvent], rules: Rules) -> Iterator[Row]:
    for event in emitted:
        cause = event.cause.event.type if isinstance(event.cause, Incoming) else "timer"
        for entry in order_entries(event.data, account=event.account, cause_type=cause, at=event.at, rules=rules):
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
        "cancelled": entry.cancelled,
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
        cancelled=row.cancelled,
        catalog_version=row.catalog_version,
    )
