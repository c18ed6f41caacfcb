"""The books of a transaction: the order list (R18), coupons issued and used up (R24), and what moved a balance."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.contracts.envelope import to_json
from shared.contracts.inbound import AccountCredited, CouponIssued
from shared.contracts.lifecycle import Renewed
from shared.storage.database import Connection
from subscription_service.domain.model import ZERO
from subscription_service.domain.orders import OrderEntry, order_entry
from subscription_service.domain.policy import Catalog
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.bulk import Bulk, Row
from subscription_service.unit_of_work import UnitOfWork

_COUPONS = Bulk(
    "INSERT INTO coupon ({columns}) SELECT * FROM {rows}",
    coupon_id="text",
    account_id="text",
    amount_off="numeric",
    percent_off="int",
    minimum_spend="numeric",
    valid_from="date",
    valid_until="date",
)
_USED = Bulk(
    "UPDATE coupon SET used_by = n.order_id FROM {rows} WHERE coupon.coupon_id = n.coupon_id",
    coupon_id="text",
    order_id="text",
)
_LEDGER = Bulk(
    "INSERT INTO ledger_entry ({columns}) SELECT * FROM {rows}",
    kind="text",
    entry_id="text",
    account_id="text",
    amount="numeric",
    at="timestamptz",
)
_ORDERS = Bulk(
    "INSERT INTO order_entry ({columns})"
    " SELECT order_id, account_id, type, placed_at, starts_at, ends_at, months, CAST(specification AS jsonb), fee,"
    " rejected, catalog_version FROM {rows} ON CONFLICT (order_id) DO NOTHING",
    order_id="text",
    account_id="text",
    type="text",
    placed_at="timestamptz",
    starts_at="timestamptz",
    ends_at="timestamptz",
    months="int",
    specification="text",
    fee="numeric",
    rejected="boolean",
    catalog_version="text",
)


async def book(connection: Connection, unit_of_work: UnitOfWork) -> None:
    """Write down what was ordered, issued, used up, credited and charged."""
    facts = [(incoming.event.data, incoming.event.time) for incoming in unit_of_work.applied]
    renewals = [
        (event.account_id, event.data, event.at) for event in unit_of_work.emitted if isinstance(event.data, Renewed)
    ]
    await _COUPONS.run(connection, [_coupon(data) for data, _ in facts if isinstance(data, CouponIssued)])
    await _USED.run(connection, [(data.coupon_id, data.order_id) for _, data, _ in renewals if data.coupon_id])
    credited = [_credit(data, at) for data, at in facts if isinstance(data, AccountCredited)]
    charged = [_charge(account_id, data, at) for account_id, data, at in renewals if data.charged]
    await _LEDGER.run(connection, credited + charged)
    await _ORDERS.run(connection, list(_orders(unit_of_work.emitted, unit_of_work.rules.catalog)))


def _coupon(data: CouponIssued) -> Row:
    value = (data.amount_off, data.percent_off, data.minimum_spend)
    return data.coupon_id, data.account_id, *value, data.valid_from, data.valid_until


def _credit(data: AccountCredited, at: datetime) -> Row:
    return "credit", data.entry_id, data.account_id, data.amount, at


def _charge(account_id: str, data: Renewed, at: datetime) -> Row:
    return "charge", data.order_id, account_id, -(data.charged or ZERO), at


def _orders(emitted: Iterable[EmittedEvent], catalog: Catalog) -> Iterator[Row]:
    for each in emitted:
        cause = each.cause.event.type if isinstance(each.cause, Incoming) else "timer"
        entry = order_entry(each.data, account=each.account, cause_type=cause, at=each.at, catalog=catalog)
        if entry is not None:
            yield _order(each.account_id, entry)


def _order(account_id: str, entry: OrderEntry) -> Row:
    specification = to_json(entry.specification).decode() if entry.specification else None
    term = (entry.starts_at, entry.ends_at, entry.months)
    price = (entry.fee, entry.rejected, entry.catalog_version)
    return entry.order_id, account_id, entry.type, entry.placed_at, *term, specification, *price
