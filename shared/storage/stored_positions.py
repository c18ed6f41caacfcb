"""Positions in the input topics, stored in the same database as the effects of the records before them.

Invariant: an effect and its position commit together, and a position moves only from where the mover
believes it is (compare-and-swap); so nothing is applied twice and nothing is skipped (G1).
What a stored position means: docs/decisions/0011.
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


class Position(NamedTuple):
    """`next`: every record before this offset is applied.

    `sequence`: of the last record that was applied, where the topic's records carry one; 0 before the first one; None
    where it is not known. `gap_from`: where the offsets begin that were deleted unread, until the sequence of the next
    record proves that no record was among them.
    """

    next: int
    sequence: int | None = None
    gap_from: int | None = None


class Move(NamedTuple):
    """From the offset that the mover believes to be stored, to the next one to read.

    `sequence`: of the last record in between; None where it has none.
    """

    expected: int
    next: int
    sequence: int | None = None


_NEXT = text("SELECT next_offset FROM input_offset WHERE topic = :topic AND partition = :partition")
_BEGIN = insert(InputOffset, ("topic", "partition", "next_offset", "sequence"), or_ignore=True)
_STORED = text("SELECT topic, partition, next_offset, sequence, gap_from FROM input_offset")
_ADVANCE = Bulk(
    InputOffset,
    "WITH moves AS (SELECT * FROM {rows}), locked AS ("
    "  SELECT o.topic, o.partition FROM input_offset o JOIN moves USING (topic, partition)"
    "  ORDER BY o.topic, o.partition FOR UPDATE OF o)"
    " UPDATE input_offset o SET next_offset = moves.next, sequence = greatest(o.sequence, moves.sequence),"
    "  gap_from = CASE WHEN moves.sequence IS NULL THEN o.gap_from END FROM moves, locked"
    " WHERE o.topic = moves.topic AND o.partition = moves.partition AND o.next_offset = moves.expected"
    "  AND locked.topic = o.topic AND locked.partition = o.partition",
    ("topic", "partition", "sequence"),
    also={"expected": "next_offset", "next": "next_offset"},
)
_SKIP = text(
    "UPDATE input_offset SET next_offset = :next, gap_from = coalesce(gap_from, next_offset)"
    " WHERE topic = :topic AND partition = :partition AND next_offset = :expected"
)


async def begin(connection: Connection, firsts: Mapping[Partition, int]) -> None:
    """Partitions that are read for the first time begin at these offsets; known ones stay where they are."""
    rows = [
        {
            "topic": key.topic,
            "partition": key.partition,
            "next_offset": first,
            "sequence": 0 if first == 0 else None,
        }
        for key, first in sorted(firsts.items())
    ]
    await _BEGIN.run(connection, rows)


async def stored(connection: Connection) -> dict[Partition, int]:
    """The next offset to read, for each known partition."""
    return {partition: position.next for partition, position in (await positions(connection)).items()}


async def next_offset(connection: Connection, partition: Partition) -> int:
    """The next offset to read; 0 for a partition of which nothing was read yet."""
    found = await connection.execute(_NEXT, partition._asdict())
    return found.scalar() or 0


async def positions(connection: Connection) -> dict[Partition, Position]:
    """The whole stored position of each known partition."""
    return {
        Partition(topic, partition): Position(*rest) for topic, partition, *rest in await connection.execute(_STORED)
    }


async def advance(connection: Connection, moves: Mapping[Partition, Move]) -> None:
    """Move positions by compare-and-swap. Raises `PositionConflict` when one of them is not where it was expected."""
    rows = [
        {
            "topic": key.topic,
            "partition": key.partition,
            "sequence": move.sequence,
            "expected": move.expected,
            "next": move.next,
        }
        for key, move in sorted(moves.items())
    ]
    moved = await _ADVANCE.run(connection, rows)
    if moved != len(rows):
        raise PositionConflict(f"{len(rows) - moved} of {len(rows)} positions were moved by another copy")


async def skip(connection: Connection, partition: Partition, move: Move) -> None:
    """Move a position past deleted offsets, and keep that they have to be proved empty. Raises `PositionConflict`."""
    where = {"topic": partition.topic, "partition": partition.partition}
    done = await connection.execute(_SKIP, {**where, "expected": move.expected, "next": move.next})
    if done.rowcount != 1:
        raise PositionConflict(f"{partition.topic}-{partition.partition} was moved by another copy")
