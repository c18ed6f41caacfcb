"""The books of a transaction: the order list (R18), coupons issued and used up (R24), and what moved a balance."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.envelope import to_json
from shared.contracts.inbound import AccountCredited, CouponIssued
from shared.contracts.lifecycle import Renewed
from subscription_service.bulk import Row, write
from subscription_service.domain.model import ZERO
from subscription_service.domain.orders import OrderEntry, order_entry
from subscription_service.domain.policy import Catalog
from subscription_service.incoming import Incoming
from subscription_service.published import Said
from subscription_service.work import Work

_COUPONS = text("INSERT INTO coupon SELECT n.* FROM unnest(CAST(:rows AS coupon[])) AS n")
_USED = text("UPDATE coupon SET used_by = :order_id WHERE coupon_id = :coupon_id")
_LEDGER = text("INSERT INTO ledger_entry SELECT n.* FROM unnest(CAST(:rows AS ledger_entry[])) AS n")
_ORDERS = text(
    "INSERT INTO order_entry SELECT n.* FROM unnest(CAST(:rows AS order_entry[])) AS n"
    " ON CONFLICT (order_id) DO NOTHING"
)


async def book(connection: AsyncConnection, work: Work) -> None:
    """Write down what was ordered, issued, used up, credited and charged."""
    facts = [(incoming.event.data, incoming.event.time) for incoming in work.applied]
    renewals = [(said.account_id, said.data, said.at) for said in work.said if isinstance(said.data, Renewed)]
    await write(connection, _COUPONS, [_coupon(data) for data, _ in facts if isinstance(data, CouponIssued)])
    used = [{"coupon_id": data.coupon_id, "order_id": data.order_id} for _, data, _ in renewals if data.coupon_id]
    if used:
        await connection.execute(_USED, used)
    credited = [_credit(data, at) for data, at in facts if isinstance(data, AccountCredited)]
    charged = [_charge(account_id, data, at) for account_id, data, at in renewals if data.charged]
    await write(connection, _LEDGER, credited + charged)
    await write(connection, _ORDERS, list(_orders(work.said, work.rules.catalog)))


def _coupon(data: CouponIssued) -> Row:
    value = (data.amount_off, data.percent_off, data.minimum_spend)
    return data.coupon_id, data.account_id, *value, data.valid_from, data.valid_until, None


def _credit(data: AccountCredited, at: datetime) -> Row:
    return "credit", data.entry_id, data.account_id, data.amount, at


def _charge(account_id: str, data: Renewed, at: datetime) -> Row:
    return "charge", data.order_id, account_id, -(data.charged or ZERO), at


def _orders(said: Iterable[Said], catalog: Catalog) -> Iterator[Row]:
    for each in said:
        cause = each.cause.event.type if isinstance(each.cause, Incoming) else "timer"
        entry = order_entry(each.data, account=each.account, cause_type=cause, at=each.at, catalog=catalog)
        if entry is not None:
            yield _order(each.account_id, entry)


def _order(account_id: str, entry: OrderEntry) -> Row:
    specification = to_json(entry.specification).decode() if entry.specification else None
    term = (entry.starts_at, entry.ends_at, entry.months)
    price = (entry.fee, entry.rejected, entry.catalog_version)
    return entry.order_id, account_id, entry.type, entry.placed_at, *term, specification, *price
