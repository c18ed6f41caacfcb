"""The notifier's tables, besides those of `shared.storage.tables`.
Rows are not the domain state: the stores map between.

Invariant: `notification_id` is made from the lifecycle event and the channel, so the primary keys alone hold that
nothing is told twice (G3). Migrations make the tables; a test holds both together.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.storage.tables import instant


def _number() -> Column[int]:
    """Rises with every row of an account, since they are written under the lock of its recipient."""
    return Column(BigInteger, Identity(), nullable=False)


class RecipientRow(SQLModel, table=True):
    """One account as the lifecycle told of it. `latest_versions`: kind -> version of its latest event."""

    __tablename__ = "recipient"
    account_id: str = Field(primary_key=True)
    contact: Any = Field(default=None, sa_column=Column(JSONB))
    contact_version: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    standing: Any = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class PreferenceRow(SQLModel, table=True):
    """A channel that a recipient switched off for a kind."""

    __tablename__ = "preference"
    account_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)


class NotificationRow(SQLModel, table=True):
    """One decision. `event` is kept while an email is still to be made of it; `claimed_by` is a process's lock."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_account", "account_id", "number"),
        Index("notification_number", "number"),
        Index("notification_queued", "next_attempt_at", "number", postgresql_where=text("status = 'queued'")),
        Index("notification_sending", "claimed_by", postgresql_where=text("status = 'sending'")),
    )
    notification_id: str = Field(primary_key=True)
    number: int = Field(sa_column=_number())
    account_id: str
    lifecycle_event_id: str
    lifecycle_type: str
    version: int = Field(sa_type=BigInteger)
    kind: str
    channel: str
    status: str
    reason: str | None = None
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    created_at: datetime = Field(sa_column=instant(nullable=False))
    first_attempt_at: datetime | None = Field(default=None, sa_column=instant())
    next_attempt_at: datetime | None = Field(default=None, sa_column=instant())
    claimed_by: int | None = Field(default=None, sa_type=BigInteger)
    event: bytes | None = Field(default=None, sa_type=LargeBinary)
    traceparent: str | None = None


class MessageRow(SQLModel, table=True):
    """One internal message, written in the transaction of its decision."""

    __tablename__ = "message"
    __table_args__ = (
        Index("message_account", "account_id", "number"),
        Index("message_unread", "account_id", postgresql_where=text("read_at IS NULL")),
    )
    message_id: str = Field(primary_key=True)
    number: int = Field(sa_column=_number())
    account_id: str
    kind: str
    title: str
    body: str
    link: str | None = None
    created_at: datetime = Field(sa_column=instant(nullable=False))
    read_at: datetime | None = Field(default=None, sa_column=instant())


class NotificationTallyRow(SQLModel, table=True):
    """How many notifications came to which end, counted in the transaction of the end."""

    __tablename__ = "notification_tally"
    channel: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
