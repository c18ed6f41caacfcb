"""Offsets of the input topics, stored in the same database as the effects of the records before them.

Invariant: an effect and its position commit together, and a position moves only from where the mover
believes it is (compare-and-swap); so nothing is applied twice and nothing is skipped (G1).
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text

from shared.runtime.errors import PositionConflict
from shared.storage.bulk import Bulk, insert
from shared.storage.database import Connection
from shared.storage.tables import InputOffset


class Partition(NamedTuple):
    """A partition of an input topic; `topic` is the logical name."""

    topic: str
    partition: int


class Move(NamedTuple):
    """From the offset that the mover believes to be stored, to the next one to read."""

    expected: int
    next: int


_BEGIN = insert(InputOffset, or_ignore=True)
_STORED = text("SELECT topic, partition, next_offset FROM input_offset")
_ADVANCE = Bulk(
    InputOffset,
    "WITH moves AS (SELECT * FROM {rows}), locked AS ("
    "  SELECT o.topic, o.partition FROM input_offset o JOIN moves USING (topic, partition)"
    "  ORDER BY o.topic, o.partition FOR UPDATE OF o)"
    " UPDATE input_offset o SET next_offset = moves.next FROM moves, locked"
    " WHERE o.topic = moves.topic AND o.partition = moves.partition AND o.next_offset = moves.expected"
    "  AND locked.topic = o.topic AND locked.partition = o.partition",
    ("topic", "partition"),
    also={"expected": "next_offset", "next": "next_offset"},
)


async def begin(connection: Connection, firsts: Mapping[Partition, int]) -> None:
    """Partitions that are read for the first time begin at these offsets; known ones stay where they are."""
    rows = [
        {"topic": key.topic, "partition": key.partition, "next_offset": first} for key, first in sorted(firsts.items())
    ]
    await _BEGIN.run(connection, rows)


async def stored(connection: Connection) -> dict[Partition, int]:
    """The next offset to read, for each known partition."""
    return {Partition(topic, partition): offset for topic, partition, offset in await connection.execute(_STORED)}


async def advance(connection: Connection, moves: Mapping[Partition, Move]) -> None:
    """Move positions by compare-and-swap. Raises `PositionConflict` when one of them is not where it was expected."""
    rows = [
        {"topic": key.topic, "partition": key.partition, "expected": move.expected, "next": move.next}
        for key, move in sorted(moves.items())
    ]
    moved = await _ADVANCE.run(connection, rows)
    if moved != len(rows):
        raise PositionConflict(f"{len(rows) - moved} of {len(rows)} positions were moved by another copy")
