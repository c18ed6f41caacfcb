"""How far the log is published, per output partition: all SQL of the relay, and its lag for the metrics.

Invariant: `published` is raised after the Kafka commit and never lowered. It is where the relay goes on when retention
has emptied a topic, and what housekeeping may delete up to.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from shared.storage.bulk import Bulk, Row
from shared.storage.database import Connection
from shared.storage.stored_positions import Partition
from shared.storage.tables import RelayPosition


class Progress(NamedTuple):
    """Of one output partition: the last sequence in the log, and the last one known to be published."""

    end: int
    published: int


_BEGIN = text(
    "INSERT INTO relay_position (topic, partition) SELECT topic, partition FROM output_partition ON CONFLICT DO NOTHING"
)
_STORED = text(
    "SELECT topic, partition, next_sequence - 1, published FROM output_partition"
    " JOIN relay_position USING (topic, partition)"
)
_NEXT = Bulk(
    RelayPosition,
    "WITH given AS MATERIALIZED (SELECT * FROM {rows}),"
    " kept AS (UPDATE relay_position SET published = given.published FROM given"
    "  WHERE (relay_position.topic, relay_position.partition) = (given.topic, given.partition)"
    "  AND relay_position.published < given.published)"
    " SELECT log.topic, log.partition, log.sequence, log.key, log.value, log.headers FROM"
    " (SELECT n.*, greatest(:at_most / count(*) OVER (), 1) AS share,"
    "  greatest(:bytes_at_most / count(*) OVER (), 1) AS share_of_bytes"
    "  FROM given AS n JOIN output_partition USING (topic, partition) WHERE next_sequence - 1 > n.published) AS behind"
    " CROSS JOIN LATERAL (SELECT next.*,"
    "  sum(octet_length(value)) OVER (ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,"
    "  lag(sequence, 1, behind.published) OVER (ORDER BY sequence) AS begins_after"
    "  FROM (SELECT * FROM log WHERE log.topic = behind.topic AND log.partition = behind.partition"
    "   AND log.sequence > behind.published ORDER BY log.sequence LIMIT behind.share) AS next) AS log"
    " WHERE coalesce(log.before, 0) < share_of_bytes AND log.begins_after < behind.published + share",
)
_VALUES = Bulk(
    RelayPosition,
    "SELECT topic, partition, value FROM log JOIN {rows} USING (topic, partition) WHERE sequence = published",
)
_LAG = text(
    "SELECT topic, sum(next_sequence - 1 - published) FROM output_partition JOIN relay_position"
    " USING (topic, partition) GROUP BY topic"
)


async def begin(connection: Connection) -> None:
    """Output partitions that are new have nothing published."""
    await connection.execute(_BEGIN)


async def stored(connection: Connection) -> dict[Partition, Progress]:
    """The progress of every output partition."""
    found = await connection.execute(_STORED)
    return {Partition(topic, partition): Progress(end, published) for topic, partition, end, published in found}


async def ends(connection: Connection) -> dict[Partition, int]:
    """The last sequence in the log, for each output partition."""
    return {key: progress.end for key, progress in (await stored(connection)).items()}


async def next_entries(
    connection: Connection, published: Mapping[Partition, int], *, at_most: int, bytes_at_most: int
) -> Sequence[Any]:
    """Store that everything up to `published` is on its topic; the entries after it, in order. One statement.

    The partitions that are behind share about `at_most` sequences, with values of `bytes_at_most`; each has at least
    one entry. An entry is (topic, partition, sequence, key, value, headers), headers as `log.pack` made them.
    """
    return await _NEXT.fetch(connection, _rows(published), at_most=at_most, bytes_at_most=bytes_at_most)


async def values(connection: Connection, sequences: Mapping[Partition, int]) -> dict[Partition, bytes]:
    """The value of the entry with this sequence, for each partition whose log has it."""
    found = await _VALUES.fetch(connection, _rows(sequences))
    return {Partition(topic, partition): value for topic, partition, value in found}


async def lag(connection: Connection) -> dict[str, int]:
    """Topic -> entries of the log that are not known to be published."""
    return {topic: int(entries) for topic, entries in await connection.execute(_LAG)}


def _rows(sequences: Mapping[Partition, int]) -> list[Row]:
    return [{"topic": at.topic, "partition": at.partition, "published": last} for at, last in sequences.items()]
