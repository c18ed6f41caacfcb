"""How many input events ended as applied, duplicate, rejected or dead letter, per topic (G4); the rest wait.

Also how many dead letters there are per reason, under the topic that they are published on. Counted in the transaction
of the effect, so that the sum is exact through crashes and over all copies.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import text

from shared.contracts.topics import DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS
from shared.contracts.unreadable import Reason
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
_READ = text("SELECT topic, outcome, count FROM tally WHERE topic <> ALL(:dead_letters)")
_READ_DEAD_LETTERS = text("SELECT outcome, sum(count) FROM tally WHERE topic = ANY(:dead_letters) GROUP BY outcome")
_DEAD_LETTER_TOPICS: Final = [DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS]


async def add(connection: Connection, counts: Mapping[tuple[str, EventOutcome], int]) -> None:
    """Add numbers of events to what is counted per topic and outcome."""
    rows = [
        {"topic": topic, "outcome": outcome.value, "count": count} for (topic, outcome), count in sorted(counts.items())
    ]
    await _ADD.run(connection, rows)


async def add_dead_letters(connection: Connection, topic: str, reasons: Mapping[Reason, int]) -> None:
    """Add numbers of dead letters on `topic` to what is counted per reason."""
    rows = [{"topic": topic, "outcome": reason.value, "count": count} for reason, count in sorted(reasons.items())]
    await _ADD.run(connection, rows)


async def read(connection: Connection) -> dict[tuple[str, str], int]:
    """(topic, outcome) -> number of events so far."""
    found = await connection.execute(_READ, {"dead_letters": _DEAD_LETTER_TOPICS})
    return {(topic, outcome): count for topic, outcome, count in found}


async def read_dead_letters(connection: Connection) -> dict[str, int]:
    """Reason -> number of dead letters so far."""
    found = await connection.execute(_READ_DEAD_LETTERS, {"dead_letters": _DEAD_LETTER_TOPICS})
    return {reason: int(count) for reason, count in found}
