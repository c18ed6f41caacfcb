"""How many input events ended as applied, duplicate, rejected or dead letter, per topic (G4); the rest wait.

Counted in the transaction of the effect, so that the sum is exact through crashes and over all copies.
"""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import text

from shared.storage.bulk import upsert
from shared.storage.database import Connection
from shared.storage.tables import EventCount


class EventOutcome(StrEnum):
    """How an event ended; the values are those of the metric's label `outcome`."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEAD_LETTER = "dead_letter"


_ADD = upsert(EventCount, add=["count"])
_READ = text("SELECT topic, outcome, count FROM tally")


async def add(connection: Connection, counts: Mapping[tuple[str, EventOutcome], int]) -> None:
    """Add numbers of events to what is counted per topic and outcome."""
    rows = [
        {"topic": topic, "outcome": outcome.value, "count": count} for (topic, outcome), count in sorted(counts.items())
    ]
    await _ADD.run(connection, rows)


async def read(connection: Connection) -> dict[tuple[str, str], int]:
    """(topic, outcome) -> number of events so far."""
    return {(topic, outcome): count for topic, outcome, count in await connection.execute(_READ)}
