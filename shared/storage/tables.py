"""Tables that each service has in its own schema: positions, log, relay, clock, tally.

Rows here are never domain state. Migrations make them; a test holds migrations and tables together.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, text
from sqlmodel import Field, SQLModel


def instant(**options: object) -> Column[datetime]:
    """A `timestamptz` column."""
    return Column(DateTime(timezone=True), **options)  # type: ignore[arg-type]


class InputOffset(SQLModel, table=True):
    """The next offset to read."""

    __tablename__ = "input_offset"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_offset: int = Field(sa_type=BigInteger)


class OutputPartition(SQLModel, table=True):
    """The next sequence of each output partition; its row lock orders the log."""

    __tablename__ = "output_partition"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_sequence: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("1")))


class RelayPosition(SQLModel, table=True):
    """The last sequence known to be published."""

    __tablename__ = "relay_position"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    published: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class Log(SQLModel, table=True):
    """Append-only. `value` is the record as published, `headers` those beyond the relay's own."""

    __tablename__ = "log"
    __table_args__ = (
        Index(
            "log_account", "account_id", "topic", "sequence", postgresql_where=text("topic = 'subscription-lifecycle'")
        ),
    )
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    value: bytes | None = Field(default=None, sa_type=LargeBinary)
    headers: bytes | None = Field(default=None, sa_type=LargeBinary)
    account_id: str | None = None


class TestClockRow(SQLModel, table=True):
    """One row, with the test clock on."""

    __tablename__ = "test_clock"
    now: datetime = Field(sa_column=instant(primary_key=True))


class ClockAdvance(SQLModel, table=True):
    """Advances that have not settled yet."""

    __tablename__ = "clock_advance"
    id: int | None = Field(default=None, primary_key=True)
    advance_id: str
    now: datetime = Field(sa_column=instant(nullable=False))


class Tally(SQLModel, table=True):
    """How many events in came to which end (G4)."""

    __tablename__ = "tally"
    topic: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
