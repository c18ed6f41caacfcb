"""The positions of this copy: the next offset to apply, per partition that is assigned to it.

Invariant: within one `assignment_epoch` each batch begins where the one before it ended. Whatever moves the consumer
(an assignment, a revocation, a new seek) begins a new epoch, and batches of an earlier epoch must be discarded.
Used by `assignment`, `reader`, `batch_applier` and `lag` only.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from shared.kafka.record import Record
from shared.runtime.errors import Alarm, PositionConflict, Transient
from shared.storage import offsets
from shared.storage.database import Engine, transaction
from shared.storage.offsets import Move, Partition


class Positions:
    """`topics`: the broker's name of a topic -> its logical name, for the topics that the service reads."""

    def __init__(self, topics: Mapping[str, str], engine: Engine) -> None:
        self.topics = topics
        self._engine = engine
        self.next_offsets: dict[tuple[str, int], int] = {}
        self.assignment_epoch = 0

    async def seek(self, consumer: Any, assigned: Sequence[TopicPartition]) -> None:
        """Move the consumer to the stored position of each of these partitions.

        On failure their positions stay unknown. Raises `Transient`, and `Alarm` for a stored position that the broker
        does not hold.
        """
        self.assignment_epoch += 1
        firsts = await _from_kafka(consumer.beginning_offsets(assigned))
        ends = await _from_kafka(consumer.end_offsets(assigned))
        async with transaction(self._engine) as connection:
            await offsets.begin(connection, {self.partition_of(tp): first for tp, first in firsts.items()})
            stored = await offsets.stored(connection)
        # Records that the consumer returned while we waited are from its old position: they get an old epoch.
        self.assignment_epoch += 1
        for tp in assigned:
            position = stored[self.partition_of(tp)]
            _check_held(tp, position, firsts[tp], ends[tp])
            if tp in consumer.assignment():
                consumer.seek(tp, position)
                self.next_offsets[tp] = position

    def revoke(self, revoked: Iterable[TopicPartition]) -> None:
        """These partitions are now another copy's. Its batches and ours are kept apart by the compare-and-swap."""
        self.assignment_epoch += 1
        for tp in revoked:
            self.next_offsets.pop(tp, None)

    async def are_consecutive(self, consumer: Any, records: Sequence[Record]) -> bool:
        """Whether the consumer is positioned after these records: nothing has moved it since it returned them."""
        try:
            return all([await consumer.position(tp) > last for tp, last in _last_offsets(records).items()])
        except IllegalStateError:
            return False

    def is_applied(self, record: Record) -> bool:
        """Whether this record was applied before. Raises `PositionConflict` where its partition is not ours."""
        return bool(record.offset < self._next_offset((record.topic, record.partition)))

    def moves(self, records: Iterable[Record]) -> dict[Partition, Move]:
        """How the stored positions move when `records` are applied. Raises `PositionConflict` as `is_applied`."""
        return {
            self.partition_of(tp): Move(self._next_offset(tp), last + 1) for tp, last in _last_offsets(records).items()
        }

    def mark_applied(self, records: Iterable[Record]) -> None:
        """The transaction that applied these records is committed."""
        lasts = _last_offsets(records)
        self.next_offsets.update({tp: last + 1 for tp, last in lasts.items() if tp in self.next_offsets})

    def partition_of(self, partition: TopicPartition) -> Partition:
        """The partition with its topic's logical name, as it is stored."""
        return Partition(self.topics[partition.topic], partition.partition)

    def _next_offset(self, partition: tuple[str, int]) -> int:
        # Asked per record: a plain tuple finds the same entry, and is made ten times faster than a named one.
        if partition not in self.next_offsets:
            raise PositionConflict(f"{partition[0]}-{partition[1]} is not assigned to this copy")
        return self.next_offsets[partition]


def _last_offsets(records: Iterable[Record]) -> dict[TopicPartition, int]:
    lasts = {(record.topic, record.partition): record.offset for record in records}
    return {TopicPartition(*place): last for place, last in lasts.items()}


async def _from_kafka(answer: Awaitable[Mapping[TopicPartition, int]]) -> Mapping[TopicPartition, int]:
    try:
        return await answer
    except Exception as error:
        raise Transient(f"Kafka: {error!r}") from error


def _check_held(partition: TopicPartition, position: int, first: int, end: int) -> None:
    if not first <= position <= end:
        raise Alarm(
            f"{partition.topic}-{partition.partition}: the stored position {position} lies outside of what the broker"
            f" holds ({first} to {end}). Records were lost, or the topic was deleted and created again; see"
            " docs/operations.md."
        )
