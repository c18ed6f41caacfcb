"""The read side: one account and what has rows of its own, for the HTTP and the pages. All its SQL; it locks nothing.

An account is there once something is known of it, that is once it has an overview. Whoever reads more than one
thing of it begins with `one_snapshot`, so that the things fit together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from shared.contracts.envelope import from_json
from shared.contracts.topics import LIFECYCLE
from shared.contracts.types import ConfigurationKind, Specification
from shared.storage.database import Connection
from subscription_service.domain.model import Account
from subscription_service.domain.orders import OrderEntry, OrderType
from subscription_service.storage import rows
from subscription_service.storage.store import ACCOUNT_COLUMNS, COUPON_COLUMNS

_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
ORDER_COLUMNS = (
    "order_id, account_id, type, placed_at, starts_at, ends_at, months, CAST(specification AS text) AS specification,"
    " fee, rejected, catalog_version"
)
_ACCOUNT = text(f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE account_id = :id AND revision > 0")
_COUPONS = text(f"SELECT {COUPON_COLUMNS} FROM coupon WHERE account_id = :id AND used_by IS NULL")
_SERVERS = text("SELECT account_id, server_id, present, cores, bound, marks FROM server WHERE account_id = :id")
_ORDERS = text(f"SELECT {ORDER_COLUMNS} FROM order_entry WHERE account_id = :id ORDER BY placed_at, order_id")
_CONFIGURATION = text(
    "SELECT key, CAST(value AS text) AS value FROM configuration"
    " WHERE account_id = :id AND kind = :kind AND present ORDER BY key"
)
_HISTORY = text(
    f"SELECT value FROM log WHERE topic = '{LIFECYCLE}' AND account_id = :id"
    " ORDER BY sequence OFFSET :after LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Known:
    """An account as it stands, without servers, coupons and configuration; `changed_at` is its overview's `as_of`."""

    account: Account
    revision: int
    changed_at: datetime


async def one_snapshot(connection: Connection) -> None:
    """Everything that this transaction reads stands as at its first reading; say so before that."""
    await connection.execute(_SNAPSHOT)


async def known(connection: Connection, account_id: str) -> Known | None:
    """None where nothing is known of the account."""
    row = (await connection.execute(_ACCOUNT, {"id": account_id})).first()
    return Known(rows.account_of(row), row.revision, row.changed_at) if row else None


async def whole(connection: Connection, account: Account) -> Account:
    """`account` with all that its timers may look at: unused coupons and every server."""
    asked = {"id": account.account_id}
    coupons = tuple(rows.coupon_of(row) for row in await connection.execute(_COUPONS, asked))
    servers = {row.server_id: rows.server_of(row) for row in await connection.execute(_SERVERS, asked)}
    return account._replace(coupons=coupons, servers=servers)


async def orders(connection: Connection, account_id: str) -> Sequence[OrderEntry]:
    """The order list (R18), the oldest first."""
    return [order_of(row) for row in await connection.execute(_ORDERS, {"id": account_id})]


async def configuration(connection: Connection, account_id: str, kind: ConfigurationKind) -> Sequence[tuple[str, Any]]:
    """Key and value of each retained setting of a kind (R32)."""
    found = await connection.execute(_CONFIGURATION, {"id": account_id, "kind": kind.value})
    return [(row.key, orjson.loads(row.value)) for row in found]


async def history(connection: Connection, account_id: str, *, after: int, limit: int) -> Sequence[bytes]:
    """Lifecycle events behind version `after`, as published. Versions have no gap, so they count the events."""
    asked = {"id": account_id, "after": after, "limit": limit}
    return [row.value for row in await connection.execute(_HISTORY, asked)]


def order_of(row: Any) -> OrderEntry:
    """From a row with `ORDER_COLUMNS`."""
    specification = row.specification
    return OrderEntry(
        order_id=row.order_id,
        type=OrderType(row.type),
        placed_at=row.placed_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        months=row.months,
        specification=from_json(Specification, specification) if specification else None,
        fee=row.fee,
        rejected=row.rejected,
        catalog_version=row.catalog_version,
    )
