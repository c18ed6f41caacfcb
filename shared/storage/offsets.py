"""Positions in the input topics, stored beside the effects that they stand for.

Invariant: an effect and its position commit together, and a position moves only from where the mover
believes it is (compare-and-swap); so nothing is applied twice and nothing is skipped (G1).
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text

from shared.runtime.errors import Displaced
from shared.storage.database import Connection


class Partition(NamedTuple):
    """A partition of an input topic; `topic` is the logical name."""

    topic: str
    partition: int


class Move(NamedTuple):
    expected: int
    next: int


_BEGIN = text(
    "INSERT INTO input_offset (topic, partition, next_offset)"
    " SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))"
    " ON CONFLICT DO NOTHING"
)
_STORED = text("SELECT topic, partition, next_offset FROM input_offset")
_ADVANCE = text(
    "WITH moves AS (SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]),"
    " CAST(:expected AS bigint[]), CAST(:next AS bigint[])) AS move (topic, partition, expected, next)),"
    " locked AS (SELECT o.topic, o.partition FROM input_offset o JOIN moves USING (topic, partition)"
    "  ORDER BY o.topic, o.partition FOR UPDATE OF o)"
    " UPDATE input_offset o SET next_offset = moves.next FROM moves, locked"
    " WHERE o.topic = moves.topic AND o.partition = moves.partition AND o.next_offset = moves.expected"
    "  AND locked.topic = o.topic AND locked.partition = o.partition"
)


async def begin(connection: Connection, firsts: Mapping[Partition, int]) -> None:
    """Partitions seen for the first time begin at these offsets; known ones stay where they are."""
    ordered = sorted(firsts)
    await connection.execute(
        _BEGIN,
        {
            "topics": [key.topic for key in ordered],
            "partitions": [key.partition for key in ordered],
            "offsets": [firsts[key] for key in ordered],
        },
    )


async def stored(connection: Connection) -> dict[Partition, int]:
    """The next offset to read of every known partition."""
    return {Partition(row[0], row[1]): row[2] for row in await connection.execute(_STORED)}


async def advance(connection: Connection, moves: Mapping[Partition, Move]) -> None:
    """Move positions by compare-and-swap. Raises `Displaced` when one of them is not where it was expected."""
    ordered = sorted(moves)
    result = await connection.execute(
        _ADVANCE,
        {
            "topics": [key.topic for key in ordered],
            "partitions": [key.partition for key in ordered],
            "expected": [moves[key].expected for key in ordered],
            "next": [moves[key].next for key in ordered],
        },
    )
    if result.rowcount != len(ordered):
        raise Displaced(f"{len(ordered) - result.rowcount} of {len(ordered)} positions were moved by another copy")
