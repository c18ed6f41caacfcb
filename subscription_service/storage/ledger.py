"""The ledger: one row per credit, debit, charge and refund.

Their sum is the account's balance; the audit compares the two.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, text

from shared.contracts.acts import AccountDebited
from shared.contracts.lifecycle import Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack
from shared.contracts.purchases import AccountCredited
from shared.storage.bulk import Row, insert
from shared.storage.database import Connection
from shared.storage.tables import Instant, OptionalText, Text, TextKey
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.account_range import IN_RANGE, AccountRange
from subscription_service.storage.metadata import Amount, SubscriptionTable


class LedgerRow(SubscriptionTable, table=True):
    """`kind`: `credit`, above zero, or `debit`, below zero, their `entry_id` the event's; or `charge`, below zero, or
    `refund`, above zero, their `entry_id` the order's. `operator`, `reason`: of an operator's act (R45, R46).
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ledger_account", "account_id"),)
    kind: TextKey
    entry_id: TextKey
    account_id: Text
    amount: Amount
    at: Instant
    operator: OptionalText
    reason: OptionalText


_ADD = insert(LedgerRow)
_BALANCES = text(f"SELECT account_id, sum(amount) AS balance FROM ledger_entry WHERE {IN_RANGE} GROUP BY account_id")


async def save(connection: Connection, applied: Iterable[Incoming], emitted: Collection[EmittedEvent]) -> None:
    """Store what was credited, debited, charged and refunded."""
    arrived = [(event.event.data, event.event.time) for event in applied]
    credits_ = [_credit(data, at) for data, at in arrived if isinstance(data, AccountCredited)]
    debits = [_debit(data, at) for data, at in arrived if isinstance(data, AccountDebited)]
    charges = [
        _charge(event.account_id, event.data, event.data.charged, event.at)
        for event in emitted
        if isinstance(event.data, Renewed) and event.data.charged
    ]
    refunds = [
        _refund(event.account_id, event.data, event.at)
        for event in emitted
        if isinstance(event.data, RenewalTakenBack) and event.data.refunded
    ]
    await _ADD.run(connection, [*credits_, *debits, *charges, *refunds])


async def balances(connection: Connection, accounts: AccountRange) -> dict[str, Decimal]:
    """Account id -> the sum of its entries; accounts without one are left out."""
    found = await connection.execute(_BALANCES, accounts._asdict())
    return {row.account_id: row.balance for row in found}


def _credit(data: AccountCredited, at: datetime) -> Row:
    return _row("credit", data.entry_id, data.account_id, data.amount, at)


def _debit(data: AccountDebited, at: datetime) -> Row:
    row = _row("debit", data.entry_id, data.account_id, -data.amount, at)
    return {**row, "operator": data.operator, "reason": data.reason}


def _charge(account_id: str, data: Renewed, charged: Decimal, at: datetime) -> Row:
    return _row("charge", data.order_id, account_id, -charged, at)


def _refund(account_id: str, data: RenewalTakenBack, at: datetime) -> Row:
    row = _row("refund", data.order_id, account_id, data.refunded, at)
    return {**row, "operator": data.operator, "reason": data.reason}


def _row(kind: str, entry_id: str, account_id: str, amount: Decimal, at: datetime) -> Row:
    return {
        "kind": kind,
        "entry_id": entry_id,
        "account_id": account_id,
        "amount": amount,
        "at": at,
        "operator": None,
        "reason": None,
    }
