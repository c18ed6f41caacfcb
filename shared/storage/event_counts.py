"""Accounting: every event in ends as applied, duplicate, rejected, dead letter, or is parked (G4).

Counted in the transaction of the effect, so that the sum is exact through crashes and over all copies.
"""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import text

from shared.storage.database import Connection


class Outcome(StrEnum):
    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEAD_LETTER = "dead_letter"


_ADD = text(
    "INSERT INTO tally (topic, outcome, count)"
    " SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:outcomes AS text[]), CAST(:counts AS bigint[]))"
    " ON CONFLICT (topic, outcome) DO UPDATE SET count = tally.count + excluded.count"
)
_READ = text("SELECT topic, outcome, count FROM tally")


async def add(connection: Connection, counts: Mapping[tuple[str, Outcome], int]) -> None:
    """Add to the account of (topic, outcome)."""
    ordered = sorted(counts)
    arguments = {
        "topics": [topic for topic, _ in ordered],
        "outcomes": [outcome.value for _, outcome in ordered],
        "counts": [counts[key] for key in ordered],
    }
    if ordered:
        await connection.execute(_ADD, arguments)


async def read(connection: Connection) -> dict[tuple[str, str], int]:
    """(topic, outcome) -> events so far."""
    return {(row[0], row[1]): row[2] for row in await connection.execute(_READ)}
