"""The log: every record that a service publishes, append-only, in order; outbox and audit trail at once.
Only where a person is forgotten is an entry changed: a contact, or what a dead letter holds (R48).

Invariant: `sequence` runs 1, 2, 3 ... without a gap in each output partition, in commit order; an entry of several
changes takes as many. It is assigned last in the transaction, under a row lock for the partition, partitions in order.
The relay publishes it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import orjson
from sqlalchemy import text

from shared.contracts.envelope import with_sequence
from shared.kafka.sizes import in_groups
from shared.runtime.errors import Alarm
from shared.storage.bulk import Bulk
from shared.storage.database import Connection, driver
from shared.storage.tables import OutputPartition

CHANNEL = "tenure_log_"
"""Followed by the schema: the NOTIFY channel that wakes the relay."""

Headers = tuple[tuple[str, bytes | None], ...]


_BYTES_PER_STATEMENT: Final = 16 * 1024 * 1024
"""About; each statement has the same time."""


class Entry(NamedTuple):
    """One record to be published, or the changes of several documents (`outbox.documents`).

    `enveloped`: a CloudEvent, into which its `sequence` is written. `sequences`: how many it takes; the log keeps the
    last one.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    account_id: str | None = None
    enveloped: bool = True
    sequences: int = 1


_TAKE = Bulk(
    OutputPartition,
    "WITH locked AS (SELECT topic, partition, wanted FROM output_partition JOIN {rows} USING (topic, partition)"
    "  ORDER BY topic, partition FOR UPDATE OF output_partition),"
    " taken AS (UPDATE output_partition SET next_sequence = next_sequence + wanted FROM locked"
    "  WHERE (output_partition.topic, output_partition.partition) = (locked.topic, locked.partition)"
    "  RETURNING output_partition.topic, output_partition.partition, next_sequence - wanted AS first)"
    " SELECT topic, partition, first, pg_notify(:channel || current_schema(), '') FROM taken",
    ("topic", "partition"),
    also={"wanted": "next_sequence"},
)
"""Takes so many sequences of each partition, and wakes the relay at the commit."""
_COLUMNS = ("topic", "partition", "sequence", "key", "value", "headers", "account_id")
_HAS_TABLES = text("SELECT to_regclass('output_partition') IS NOT NULL")
_PARTITIONS = text("SELECT topic, count(*) FROM output_partition GROUP BY topic")
_ADD_PARTITIONS = text(
    "INSERT INTO output_partition (topic, partition) SELECT :topic, generate_series(0, :count - 1)"
    " ON CONFLICT DO NOTHING"
)
_ADD_ONE = text("INSERT INTO output_partition (topic, partition) VALUES (:topic, :partition) ON CONFLICT DO NOTHING")


async def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append `entries` to the log, each partition's in the order given; call it last before the commit."""
    if not entries:
        return
    ordered = sorted(entries, key=_partition)
    sequences = await _take_sequences(connection, ordered)
    for part in in_groups(ordered, lambda entry: len(entry.value or b""), bytes_at_once=_BYTES_PER_STATEMENT):
        rows = [_row(entry, sequences) for entry in part]
        await driver(connection).copy_records_to_table("log", records=rows, columns=_COLUMNS)


async def fixed_partitions(connection: Connection) -> dict[str, int]:
    """Output topic -> its partitions, as `fix_partitions` has stored them; empty before that."""
    if (await connection.execute(_HAS_TABLES)).scalar_one():
        return {row[0]: row[1] for row in await connection.execute(_PARTITIONS)}
    return {}


async def fix_partitions(connection: Connection, counts: Mapping[str, int]) -> None:
    """Store how many partitions each output topic has at the first start. Raises `Alarm` when that has changed."""
    known = {row[0]: row[1] for row in await connection.execute(_PARTITIONS)}
    for topic, count in sorted(counts.items()):
        if known.get(topic, count) != count:
            raise Alarm(
                f"Topic {topic} has {count} partitions, but had {known[topic]} at the first start: an account's events"
                " would move to another partition. Give it its old number back, or begin with a new topic prefix and"
                " database."
            )
        await connection.execute(_ADD_PARTITIONS, {"topic": topic, "count": count})


async def fix_own_partition(connection: Connection, topic: str, partition: int) -> None:
    """Store the one partition that this service writes of a topic that several services write."""
    await connection.execute(_ADD_ONE, {"topic": topic, "partition": partition})


def pack(headers: Headers) -> bytes | None:
    """Headers as the log stores them: a JSON array of [name, value], value as Latin-1 text (any byte) or null."""
    return orjson.dumps([(name, _text(value)) for name, value in headers]) if headers else None


def unpack(packed: bytes | None) -> Headers:
    """The inverse of `pack`."""
    return tuple((name, _bytes(text)) for name, text in orjson.loads(packed)) if packed else ()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


async def _take_sequences(connection: Connection, entries: Sequence[Entry]) -> dict[tuple[str, int], int]:
    """The first sequence for each partition of these entries; the partitions stay locked until the commit."""
    wanted = Counter[tuple[str, int]]()
    for entry in entries:
        wanted[entry[:2]] += entry.sequences
    rows = [{"topic": topic, "partition": number, "wanted": count} for (topic, number), count in wanted.items()]
    taken = await _TAKE.fetch(connection, rows, channel=CHANNEL)
    return {(topic, partition): first for topic, partition, first, _ in taken}


def _partition(entry: Entry) -> tuple[str, int]:
    return entry[:2]


def _row(entry: Entry, sequences: dict[tuple[str, int], int]) -> tuple[object, ...]:
    key = entry[:2]
    sequence = sequences[key] + entry.sequences - 1
    sequences[key] = sequence + 1
    value = with_sequence(entry.value, sequence) if entry.enveloped and entry.value is not None else entry.value
    return (*key, sequence, entry.key, value, pack(entry.headers), entry.account_id)
