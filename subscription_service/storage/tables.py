"""The subscription service's tables. Rows are not the domain state: `store.py` maps between the two."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field, SQLModel

from shared.storage.tables import instant


def document(**options: Any) -> Column[Any]:
    """A `jsonb` column."""
    return Column(JSONB, **options)


def folded(**options: Any) -> Column[Any]:
    """A `json` column: written and read with every event, so PostgreSQL keeps its text as it is."""
    return Column(JSON, **options)


class AccountRow(SQLModel, table=True):
    """One customer. `subscription` is the folded lifecycle; the rest are facts, counters and the next timer.

    `next_due_at` is the earliest instant at which something must happen by itself, and `next_timer` the kind of its
    next timer, which is due then unless an event waits; `waiting` counts its events in `waiting`; `partition` is that
    of its lifecycle, fixed when the row was made.
    """

    __tablename__ = "account"
    __table_args__ = (Index("account_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),)
    account_id: str = Field(primary_key=True)
    partition: int
    version: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    decided_at: datetime | None = Field(default=None, sa_column=instant())
    contact: Any = Field(default=None, sa_column=folded())
    subscription: Any = Field(default=None, sa_column=folded())
    balance: Decimal = Field(sa_column=Column(Numeric(20, 2), nullable=False, server_default=text("0")))
    registered_servers: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    registered_cores: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    bound_servers: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    bound_cores: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    facts: Any = Field(default=None, sa_column=folded())
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    changed_at: datetime | None = Field(default=None, sa_column=instant())
    next_due_at: datetime | None = Field(default=None, sa_column=instant())
    next_timer: str | None = None
    waiting: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class ServerRow(SQLModel, table=True):
    """One server with its three registers (R37); `marks` tells where each got its value."""

    __tablename__ = "server"
    account_id: str = Field(primary_key=True)
    server_id: str = Field(primary_key=True)
    present: bool
    cores: int = Field(sa_type=BigInteger)
    bound: bool
    marks: str = Field(sa_type=Text)


class ConfigurationRow(SQLModel, table=True):
    """One retained setting (R32); a removed one stays as its own mark until release."""

    __tablename__ = "configuration"
    account_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_column=document())
    present: bool
    mark: str = Field(sa_type=Text)


class CouponRow(SQLModel, table=True):
    """One coupon (R24); `used_by` is the order that used it up."""

    __tablename__ = "coupon"
    __table_args__ = (Index("coupon_unused", "account_id", postgresql_where=text("used_by IS NULL")),)
    coupon_id: str = Field(primary_key=True)
    account_id: str
    amount_off: Decimal | None = Field(default=None, sa_column=Column(Numeric(20, 2)))
    percent_off: int | None = None
    minimum_spend: Decimal = Field(sa_column=Column(Numeric(20, 2), nullable=False))
    valid_from: date
    valid_until: date
    used_by: str | None = None


class LedgerEntry(SQLModel, table=True):
    """What moved a balance: credits above zero, charges below; their sum is the balance."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ledger_account", "account_id"),)
    kind: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    account_id: str
    amount: Decimal = Field(sa_column=Column(Numeric(20, 2), nullable=False))
    at: datetime = Field(sa_column=instant(nullable=False))


class OrderRow(SQLModel, table=True):
    """The order list (R18); what is rejected stays too."""

    __tablename__ = "order_entry"
    __table_args__ = (Index("order_account", "account_id", "placed_at"),)
    order_id: str = Field(primary_key=True)
    account_id: str
    type: str
    placed_at: datetime = Field(sa_column=instant(nullable=False))
    starts_at: datetime | None = Field(default=None, sa_column=instant())
    ends_at: datetime | None = Field(default=None, sa_column=instant())
    months: int | None = None
    specification: Any = Field(default=None, sa_column=document())
    fee: Decimal | None = Field(default=None, sa_column=Column(Numeric(20, 2)))
    rejected: bool
    catalog_version: str


class EventClaim(SQLModel, table=True):
    """Event ids that were seen: 16 bytes of (source, id). Kept for `claim_retention_days` (R39)."""

    __tablename__ = "event_claim"
    __table_args__ = (Index("event_claim_age", "claimed_at", postgresql_using="brin"),)
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    claimed_at: datetime = Field(sa_column=instant(nullable=False, server_default=text("now()")))


class IdClaim(SQLModel, table=True):
    """Order, entry and coupon ids that were spent, with the fingerprint of their content, for good (R39)."""

    __tablename__ = "id_claim"
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)


class Waiting(SQLModel, table=True):
    """Events that wait, as received: for an accepted purchase until `until` (R40), or for timers to go first (R4)."""

    __tablename__ = "waiting"
    __table_args__ = (Index("waiting_account", "account_id", "id"),)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    account_id: str
    until: datetime | None = Field(default=None, sa_column=instant())
    topic: str
    broker_topic: str
    partition: int
    record_offset: int = Field(sa_type=BigInteger)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    value: bytes = Field(sa_type=LargeBinary)
    headers: bytes | None = Field(default=None, sa_type=LargeBinary)


class AppliedPolicy(SQLModel, table=True):
    """The policy by which `account.next_due_at` was worked out."""

    __tablename__ = "applied_policy"
    fingerprint: str = Field(primary_key=True)
