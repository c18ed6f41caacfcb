"""The tables that each service has in its own schema, and the kinds of columns of which all tables are made.

A SQLModel class is the one description of its table: bulk statements and Alembic read names and types from it. Rows are
never domain state: the modules that load and save them map between the two. Each service keeps its tables in a
`MetaData` of its own, beside the one of `SharedTable`, so that neither knows those of the other.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field, SQLModel

TextKey: TypeAlias = Annotated[str, Field(sa_type=sa.Text, primary_key=True)]
IntegerKey: TypeAlias = Annotated[int, Field(primary_key=True)]
BigIntegerKey: TypeAlias = Annotated[int, Field(sa_type=sa.BigInteger, primary_key=True)]
Text: TypeAlias = Annotated[str, Field(sa_type=sa.Text)]
OptionalText: TypeAlias = Annotated[str | None, Field(sa_type=sa.Text)]
BigInteger: TypeAlias = Annotated[int, Field(sa_type=sa.BigInteger)]
OptionalBigInteger: TypeAlias = Annotated[int | None, Field(sa_type=sa.BigInteger)]
Counter: TypeAlias = Annotated[int, Field(sa_type=sa.BigInteger, sa_column_kwargs={"server_default": sa.text("0")})]
"""`bigint`, 0 in a new row."""
Instant: TypeAlias = Annotated[datetime, Field(sa_type=sa.DateTime(timezone=True))]
OptionalInstant: TypeAlias = Annotated[datetime | None, Field(sa_type=sa.DateTime(timezone=True))]
TextDocument: TypeAlias = Annotated[Any, Field(sa_type=JSON, nullable=True)]
"""`json`: PostgreSQL keeps the text as it is, which is cheapest for what is written and read with every event."""
Document: TypeAlias = Annotated[Any, Field(sa_type=JSONB, nullable=True)]
"""`jsonb`: normalised by PostgreSQL, which can look into it."""


class SharedTable(SQLModel):
    """What the tables of both services are derived from."""

    metadata: ClassVar[sa.MetaData] = sa.MetaData()


class InputOffset(SharedTable, table=True):
    """The next offset to read, for each partition of an input topic; the other columns: `stored_positions.Position`."""

    __tablename__ = "input_offset"
    topic: TextKey
    partition: IntegerKey
    next_offset: BigInteger
    sequence: OptionalBigInteger
    gap_from: OptionalBigInteger


class OutputPartition(SharedTable, table=True):
    """The next sequence of each output partition; its row lock orders the log."""

    __tablename__ = "output_partition"
    topic: TextKey
    partition: IntegerKey
    next_sequence: int = Field(sa_type=sa.BigInteger, sa_column_kwargs={"server_default": sa.text("1")})


class RelayPosition(SharedTable, table=True):
    """The last sequence known to be published, for each output partition."""

    __tablename__ = "relay_position"
    topic: TextKey
    partition: IntegerKey
    published: Counter


class LogEntry(SharedTable, table=True):
    """One record of the append-only log: `value` as it is published, `headers` those beyond the relay's own.

    `account_id`: of lifecycle events, outcomes, and dead letters as far as they name an account.
    """

    __tablename__ = "log"
    __table_args__ = (
        sa.Index(
            "log_account",
            "account_id",
            "topic",
            "sequence",
            postgresql_where=sa.text("topic = 'subscription-lifecycle'"),
        ),
        sa.Index(
            "log_dead_letter",
            "account_id",
            "topic",
            "partition",
            "sequence",
            postgresql_where=sa.text("topic IN ('dead-letters', 'notification-dead-letters')"),
        ),
    )
    topic: TextKey
    partition: IntegerKey
    sequence: BigIntegerKey
    key: bytes | None
    value: bytes | None
    headers: bytes | None
    account_id: OptionalText


class TestClockRow(SharedTable, table=True):
    """One row where the test clock is on: the time at which it stands."""

    __test__: ClassVar = False
    __tablename__ = "test_clock"
    now: datetime = Field(sa_type=sa.DateTime(timezone=True), primary_key=True)


class ClockAdvance(SharedTable, table=True):
    """Advances of the test clock whose barrier has not been reached yet."""

    __tablename__ = "clock_advance"
    id: int | None = Field(default=None, primary_key=True)
    advance_id: Text
    now: Instant


class EventCount(SharedTable, table=True):
    """How many events of an input topic ended as `outcome` (G4). The table's name is from its first version."""

    __tablename__ = "tally"
    topic: TextKey
    outcome: TextKey
    count: BigInteger
