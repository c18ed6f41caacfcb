"""The notifier's tables, besides those of `shared.storage.tables`.
Rows are not the domain state: the stores map between.

Invariant: `notification_id` is made from the lifecycle event and the channel, so the primary keys alone hold that
nothing is told twice (G3). Migrations make the tables; a test holds both together.
"""

from sqlalchemy import BigInteger as SqlBigInteger
from sqlalchemy import Column, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from notifier_service.storage.metadata import NotifierTable
from shared.storage.tables import (
    BigInteger,
    Counter,
    Document,
    Instant,
    OptionalBigInteger,
    OptionalInstant,
    OptionalText,
    Text,
    TextKey,
)


def _number() -> Column[int]:
    """Rises with every row of an account, since they are written under the lock of its recipient."""
    return Column(SqlBigInteger, Identity(), nullable=False)


class RecipientRow(NotifierTable, table=True):
    """One account as the lifecycle told of it. `latest_versions`: kind -> version of its latest event."""

    __tablename__ = "recipient"
    account_id: TextKey
    contact: Document
    contact_version: Counter
    standing: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class PreferenceRow(NotifierTable, table=True):
    """A channel that a recipient switched off for a kind."""

    __tablename__ = "preference"
    account_id: TextKey
    kind: TextKey
    channel: TextKey


class NotificationRow(NotifierTable, table=True):
    """One decision. `event` is kept while an email is still to be made of it; `claimed_by` is a process's lock."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_account", "account_id", "number"),
        Index("notification_number", "number"),
        Index("notification_queued", "next_attempt_at", "number", postgresql_where=text("status = 'queued'")),
        Index("notification_sending", "claimed_by", postgresql_where=text("status = 'sending'")),
    )
    notification_id: TextKey
    number: int = Field(sa_column=_number())
    account_id: Text
    lifecycle_event_id: Text
    lifecycle_type: Text
    version: BigInteger
    kind: Text
    channel: Text
    status: Text
    reason: OptionalText
    attempts: Counter
    created_at: Instant
    first_attempt_at: OptionalInstant
    next_attempt_at: OptionalInstant
    claimed_by: OptionalBigInteger
    event: bytes | None
    traceparent: OptionalText


class MessageRow(NotifierTable, table=True):
    """One internal message, written in the transaction of its decision."""

    __tablename__ = "message"
    __table_args__ = (
        Index("message_account", "account_id", "number"),
        Index("message_unread", "account_id", postgresql_where=text("read_at IS NULL")),
    )
    message_id: TextKey
    number: int = Field(sa_column=_number())
    account_id: Text
    kind: Text
    title: Text
    body: Text
    link: OptionalText
    created_at: Instant
    read_at: OptionalInstant


class NotificationTallyRow(NotifierTable, table=True):
    """How many notifications came to which end, counted in the transaction of the end."""

    __tablename__ = "notification_tally"
    channel: TextKey
    status: TextKey
    count: BigInteger
