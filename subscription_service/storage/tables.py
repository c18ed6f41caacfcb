"""The subscription service's tables. Rows are not the domain state: `store.py` maps between the two."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, TypeAlias

from sqlalchemy import DateTime, Index, Numeric, text
from sqlmodel import Field

from shared.storage.tables import (
    BigInteger,
    BigIntegerKey,
    Counter,
    Document,
    Instant,
    OptionalInstant,
    OptionalText,
    Text,
    TextDocument,
    TextKey,
)
from subscription_service.storage.metadata import SubscriptionTable

Money: TypeAlias = Annotated[Decimal, Field(sa_type=Numeric(20, 2))]
OptionalMoney: TypeAlias = Annotated[Decimal | None, Field(sa_type=Numeric(20, 2))]


class AccountRow(SubscriptionTable, table=True):
    """One customer. `subscription` is the folded lifecycle; the rest are facts, counters and the next timer.

    `next_due_at` is the earliest instant at which something must happen by itself, and `next_timer` the kind of its
    next timer, which is due then unless an event waits; `waiting` counts its events in `waiting`; `partition` is that
    of its lifecycle, fixed when the row was made.
    """

    __tablename__ = "account"
    __table_args__ = (Index("account_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),)
    account_id: TextKey
    partition: int
    version: Counter
    decided_at: OptionalInstant
    contact: TextDocument
    subscription: TextDocument
    balance: Decimal = Field(sa_type=Numeric(20, 2), sa_column_kwargs={"server_default": text("0")})
    registered_servers: Counter
    registered_cores: Counter
    bound_servers: Counter
    bound_cores: Counter
    facts: TextDocument
    revision: Counter
    changed_at: OptionalInstant
    next_due_at: OptionalInstant
    next_timer: OptionalText
    waiting: Counter


class ServerRow(SubscriptionTable, table=True):
    """One server with its three registers (R37); `marks` tells where each got its value."""

    __tablename__ = "server"
    account_id: TextKey
    server_id: TextKey
    present: bool
    cores: BigInteger
    bound: bool
    marks: Text


class ConfigurationRow(SubscriptionTable, table=True):
    """One retained setting (R32); a removed one stays as its own mark until release."""

    __tablename__ = "configuration"
    account_id: TextKey
    kind: TextKey
    key: TextKey
    value: Document
    present: bool
    mark: Text


class CouponRow(SubscriptionTable, table=True):
    """One coupon (R24); `used_by` is the order that used it up."""

    __tablename__ = "coupon"
    __table_args__ = (Index("coupon_unused", "account_id", postgresql_where=text("used_by IS NULL")),)
    coupon_id: TextKey
    account_id: Text
    amount_off: OptionalMoney
    percent_off: int | None
    minimum_spend: Money
    valid_from: date
    valid_until: date
    used_by: OptionalText


class LedgerEntry(SubscriptionTable, table=True):
    """What moved a balance: credits above zero, charges below; their sum is the balance."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ledger_account", "account_id"),)
    kind: TextKey
    entry_id: TextKey
    account_id: Text
    amount: Money
    at: Instant


class OrderRow(SubscriptionTable, table=True):
    """The order list (R18); what is rejected stays too."""

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
    fee: OptionalMoney
    rejected: bool
    catalog_version: Text


class EventClaim(SubscriptionTable, table=True):
    """Event ids that were seen: 16 bytes of (source, id). Kept for `claim_retention_days` (R39)."""

    __tablename__ = "event_claim"
    __table_args__ = (Index("event_claim_age", "claimed_at", postgresql_using="brin"),)
    key: bytes = Field(primary_key=True)
    claimed_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


class IdClaim(SubscriptionTable, table=True):
    """Order, entry and coupon ids that were spent, with the fingerprint of their content, for good (R39)."""

    __tablename__ = "id_claim"
    kind: TextKey
    id: TextKey
    fingerprint: bytes


class Waiting(SubscriptionTable, table=True):
    """Events that wait, as received: for an accepted purchase until `until` (R40), or for timers to go first (R4)."""

    __tablename__ = "waiting"
    __table_args__ = (Index("waiting_account", "account_id", "id"),)
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


class AppliedPolicy(SubscriptionTable, table=True):
    """The policy by which `account.next_due_at` was worked out."""

    __tablename__ = "applied_policy"
    fingerprint: TextKey
