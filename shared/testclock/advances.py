"""Advances of the test clock that were requested and whose barrier is not finished: rows, worked off in order.

A service's batch processor requests them, its leader's barrier takes the oldest and finishes it.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text

from shared.storage.database import Connection

_LATEST = text("SELECT greatest((SELECT now FROM test_clock), (SELECT max(now) FROM clock_advance))")
_REQUEST = text("INSERT INTO clock_advance (advance_id, now) VALUES (:advance_id, :now)")
_OLDEST = text("SELECT id, advance_id, now FROM clock_advance ORDER BY id LIMIT 1")
_FINISH = text("DELETE FROM clock_advance WHERE id = :id")


class Advance(NamedTuple):
    """`id`: the row's; `advance_id`: the id of the event that asked for it; `now`: the instant to move to."""

    id: int
    advance_id: str
    now: datetime


async def latest_instant(connection: Connection) -> datetime:
    """Where the test clock will stand when all requested advances are finished."""
    found: datetime = (await connection.execute(_LATEST)).scalar_one()
    return found.astimezone(UTC)


async def request_advance(connection: Connection, advance_id: str, now: datetime) -> None:
    """Add an advance after those that are requested already."""
    await connection.execute(_REQUEST, {"advance_id": advance_id, "now": now})


async def oldest_advance(connection: Connection) -> Advance | None:
    """The advance that comes next, or None."""
    row = (await connection.execute(_OLDEST)).first()
    return Advance(row[0], row[1], row[2].astimezone(UTC)) if row else None


async def finish_advance(connection: Connection, advance: Advance) -> None:
    """Remove an advance whose barrier is passed."""
    await connection.execute(_FINISH, {"id": advance.id})
