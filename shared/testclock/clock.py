"""The service clock: real time, or the test clock, which stands still until it is advanced.

The test clock is a row in the database. It is read in the transaction that uses it (`FOR SHARE`), so all copies agree,
and nothing that was decided at the old time commits after the clock has moved. Which clock a service has is chosen by
`shared/runtime/service.py`.
"""

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import text

from shared.storage.database import Connection


class Clock(Protocol):
    """Where a service takes the present from."""

    async def now(self, connection: Connection) -> datetime:
        """The present, in UTC."""


class SystemClock:
    """Real time."""

    async def now(self, connection: Connection) -> datetime:
        """Microseconds included; `connection` is not used."""
        return datetime.now(UTC)


_NOW = text("SELECT now FROM test_clock FOR SHARE")
_START = text(
    "INSERT INTO test_clock (now) SELECT :now WHERE NOT EXISTS (SELECT 1 FROM test_clock) ON CONFLICT DO NOTHING"
)
_MOVE = text("UPDATE test_clock SET now = greatest(now, :now)")


class TestClock:
    """Stands still between advances (docs/decisions/0005)."""

    __test__ = False

    async def now(self, connection: Connection) -> datetime:
        """Where the clock stands; it cannot move before this transaction ends."""
        now: datetime = (await connection.execute(_NOW)).scalar_one()
        return now.astimezone(UTC)

    @staticmethod
    async def start(connection: Connection, now: datetime) -> None:
        """Set the clock at the first start only: it survives a restart."""
        await connection.execute(_START, {"now": now})

    @staticmethod
    async def move(connection: Connection, now: datetime) -> None:
        """Move forward, never back; waits for every transaction that has read the old time."""
        await connection.execute(_MOVE, {"now": now})
