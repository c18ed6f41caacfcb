"""The ledger: one row per credit and charge. Their sum is the account's balance; the audit compares the two."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, text

from shared.contracts.lifecycle import Renewed
from shared.contracts.purchases import AccountCredited
from shared.storage.bulk import Row, insert
from shared.storage.database import Connection
from shared.storage.tables import Instant, Text, TextKey
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.account_range import IN_RANGE, AccountRange
from subscription_service.storage.metadata import Amount, SubscriptionTable


class LedgerRow(SubscriptionTable, table=True):
    """`kind`: `credit`, above zero, its `entry_id` the event's; or `charge`, below zero, its `entry_id` the order's."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ledger_account", "account_id"),)
    kind: TextKey
    entry_id: TextKey
    account_id: Text
    amount: Amount
    at: Instant


_ADD = insert(LedgerRow)
_BALANCES = text(f"SELECT account_id, sum(amount) AS balance FROM ledger_entry WHERE {IN_RANGE} GROUP BY account_id")


async def save(connection: Connection, applied: Iterable[Incoming], emitted: Iterable[EmittedEvent]) -> None:
    """Store what was credited and what was charged."""
    credits_ = [
        _credit(event.event.data, event.event.time)
        for event in applied
        if isinstance(event.event.data, AccountCredited)
    ]
    charges = [
        _charge(event.account_id, event.data, event.data.charged, event.at)
        for event in emitted
        if isinstance(event.data, Renewed) and event.data.charged
    ]
    await _ADD.run(connection, credits_ + charges)


async def balances(connection: Connection, accounts: AccountRange) -> dict[str, Decimal]:
    """Account id -> the sum of its entries; accounts without one are left out."""
    found = await connection.execute(_BALANCES, accounts._asdict())
    return {row.account_id: row.balance for row in found}


def _credit(data: AccountCredited, at: datetime) -> Row:
    return {
        "kind": "credit",
        "entry_id": data.entry_id,
        "account_id": data.account_id,
        "amount": data.amount,
        "at": at,
    }


def _charge(account_id: str, data: Renewed, charged: Decimal, at: datetime) -> Row:
    return {"kind": "charge", "entry_id": data.order_id, "account_id": account_id, "amount": -charged, "at": at}
