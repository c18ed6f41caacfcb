"""The service clock: real time, or the test clock that stands still until it is advanced.

The test clock is a row in the database, read in the transaction that uses it (`FOR SHARE`), so that all copies
agree and nothing decided at the old time commits after the clock has moved. Only `app` chooses which.
"""

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from sqlalchemy import text

from shared.storage.database import Connection


class Clock(Protocol):
    """Where `now` comes from."""

    async def now(self, connection: Connection) -> datetime:
        """The service clock, UTC."""


class SystemClock:
    """Real time."""

    async def now(self, connection: Connection) -> datetime:
        return datetime.now(UTC)


_NOW = text("SELECT now FROM test_clock FOR SHARE")
_START = text("INSERT INTO test_clock (now) SELECT :now WHERE NOT EXISTS (SELECT 1 FROM test_clock)")
_MOVE = text("UPDATE test_clock SET now = greatest(now, :now)")
_LATEST = text("SELECT greatest((SELECT now FROM test_clock), (SELECT max(now) FROM clock_advance))")
_ORDER = text("INSERT INTO clock_advance (advance_id, now) VALUES (:advance_id, :now)")
_NEXT = text("SELECT id, advance_id, now FROM clock_advance ORDER BY id LIMIT 1")
_DONE = text("DELETE FROM clock_advance WHERE id = :id")


class TestClock:
    """Stands still; `docs/decisions/0005` says how an advance becomes a barrier."""

    __test__ = False

    async def now(self, connection: Connection) -> datetime:
        now: datetime = (await connection.execute(_NOW)).scalar_one()
        return now.astimezone(UTC)

    @staticmethod
    async def start(connection: Connection, now: datetime) -> None:
        """Set the clock at the first start only: it survives a restart."""
        await connection.execute(_START, {"now": now})

    @staticmethod
    async def move(connection: Connection, now: datetime) -> None:
        """Forward, never back. Waits for every transaction that still reads the old time."""
        await connection.execute(_MOVE, {"now": now})


class Advance(NamedTuple):
    """A barrier that was asked for and has not settled yet."""

    id: int
    advance_id: str
    now: datetime


async def latest(connection: Connection) -> datetime:
    """The instant that the clock stands at or is on its way to."""
    found: datetime = (await connection.execute(_LATEST)).scalar_one()
    return found.astimezone(UTC)


async def order(connection: Connection, advance_id: str, now: datetime) -> None:
    """Remember an advance until it has settled."""
    await connection.execute(_ORDER, {"advance_id": advance_id, "now": now})


async def ordered(connection: Connection) -> Advance | None:
    """The oldest advance that has not settled."""
    row = (await connection.execute(_NEXT)).first()
    return Advance(row[0], row[1], row[2].astimezone(UTC)) if row else None


async def done(connection: Connection, advance: Advance) -> None:
    """It has settled."""
    await connection.execute(_DONE, {"id": advance.id})
