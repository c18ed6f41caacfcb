"""The positions of this copy: the next offset to apply, per partition that is assigned to it.

Invariant: within one `assignment_epoch` each batch begins where the one before it ended. Whatever moves the consumer
(an assignment, a revocation, a new seek) begins a new epoch, and batches of an earlier epoch must be discarded.
If Kafka deleted offsets that we had not read, the next record's `sequence` must follow the last one; else records were
lost. In a topic without `sequence` deleted offsets are always an `Alarm` (docs/decisions/0011).
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from shared.contracts.topics import TOPICS
from shared.kafka.errors import classified
from shared.kafka.record import Offsets, Record, sequence_of
from shared.runtime.errors import Alarm, PositionConflict
from shared.storage import stored_positions
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Move, Partition, Position


@dataclass(frozen=True, slots=True)
class _Range:
    """The offsets of a partition that the broker holds: from `first` to before `end`."""

    first: int
    end: int


class Positions:
    """`topics`: the broker's name of a topic -> its logical name, for the topics that the service reads."""

    def __init__(self, topics: Mapping[str, str], engine: Engine) -> None:
        self.topics = topics
        self._sequenced = frozenset(name for name, logical in topics.items() if TOPICS[logical].is_sequenced)
        self._engine = engine
        self.next_offsets: dict[tuple[str, int], int] = {}
        self._gaps: dict[tuple[str, int], Position] = {}
        """Partitions with deleted offsets that the next record's sequence has to prove empty."""
        self.assignment_epoch = 0

    async def seek(self, consumer: Any, assigned: Sequence[TopicPartition]) -> None:
        """Move the consumer to the stored position of each of these partitions.

        Until then, and on failure, their positions are unknown, so that nothing is applied: the consumer may have
        passed records that were dropped. Raises `Transient`, and `Alarm` for a stored position that the broker does not
        hold, where a record may have been lost.
        """
        self.revoke(assigned)
        firsts = await _from_kafka(consumer.beginning_offsets(assigned))
        ends = await _from_kafka(consumer.end_offsets(assigned))
        on_broker = {self.partition_of(tp): _Range(firsts[tp], ends[tp]) for tp in assigned}
        stored = await self._stored(on_broker)
        # Records that the consumer returned while we waited are from its old position: they get an old epoch.
        self.assignment_epoch += 1
        for tp in assigned:
            if tp in consumer.assignment():
                position = stored[self.partition_of(tp)]
                consumer.seek(tp, position.next)
                self._take(tp, position)

    async def begun(self) -> set[TopicPartition]:
        """The partitions that any copy has begun to read. Raises `Transient`."""
        async with transaction(self._engine) as connection:
            stored = await stored_positions.stored(connection)
        names = {logical: name for name, logical in self.topics.items()}
        return {TopicPartition(names[each.topic], each.partition) for each in stored if each.topic in names}

    def revoke(self, revoked: Iterable[tuple[str, int]]) -> None:
        """Forget where these partitions stand: they may be another copy's now, whose batches and ours are kept apart by
        the compare-and-swap, or their consumer is not where it should be.
        """
        self.assignment_epoch += 1
        for tp in revoked:
            self.next_offsets.pop(tp, None)
            self._gaps.pop(tp, None)

    async def reached_after(self, records: Sequence[Record], consumer: Any) -> Offsets:
        """The consumer's position after these records, per partition; empty where it was moved since.

        Raises `Transient` where it is not known now, and `Alarm`.
        """
        lasts = _last_offsets(records)
        try:
            with classified(but_for=IllegalStateError):
                reached = {tp: await consumer.position(tp) for tp in lasts}
        except IllegalStateError:  # it is not assigned any more
            return {}
        return reached if all(reached[tp] > last for tp, last in lasts.items()) else {}

    def is_applied(self, record: Record) -> bool:
        """Whether this record was applied before. Raises `PositionConflict` where its partition is not ours."""
        return bool(record.offset < self._next_offset((record.topic, record.partition)))

    def moves(self, records: Iterable[Record], reached: Offsets) -> dict[TopicPartition, Move]:
        """How positions move when `records` are applied and the consumer has `reached` these offsets.

        Raises `PositionConflict` as `is_applied`, and `Alarm` where a record proves that records are missing.
        """
        nexts = dict(reached)
        sequences: dict[TopicPartition, int | None] = {}
        for tp, record in _last_records(records).items():
            nexts[tp] = max(record.offset + 1, nexts.get(tp, 0))
            sequences[tp] = sequence_of(record) if tp.topic in self._sequenced else None
        moves = {tp: Move(self._next_offset(tp), offset, sequences.get(tp)) for tp, offset in nexts.items()}
        return {tp: move for tp, move in moves.items() if move.next > move.expected}

    def check_gaps(self, records: Iterable[Record]) -> None:
        """Raises `Alarm` where the first record after deleted offsets does not follow the last one before them."""
        for record in records if self._gaps else ():
            position = self._gaps.get((record.topic, record.partition))
            sequence = sequence_of(record) if position else None
            if position and sequence is not None:
                _check_follows(record, sequence, position)
                del self._gaps[record.topic, record.partition]

    def mark_moved(self, moves: Mapping[TopicPartition, Move]) -> None:
        """The transaction that made these moves is committed."""
        self.next_offsets.update({tp: move.next for tp, move in moves.items() if tp in self.next_offsets})

    def partition_of(self, partition: TopicPartition) -> Partition:
        """The partition with its topic's logical name, as it is stored."""
        return Partition(self.topics[partition.topic], partition.partition)

    async def _stored(self, on_broker: Mapping[Partition, _Range]) -> dict[Partition, Position]:
        """The stored positions, after those below what the broker holds were moved there, if they may be."""
        async with transaction(self._engine) as connection:
            await stored_positions.begin(connection, {partition: found.first for partition, found in on_broker.items()})
            stored = await stored_positions.positions(connection)
            for partition, found in on_broker.items():
                position = stored[partition]
                if not found.first <= position.next <= found.end:
                    _check_provable(partition, position, found)
                    await stored_positions.skip(connection, partition, Move(position.next, found.first))
            return await stored_positions.positions(connection)

    def _take(self, partition: TopicPartition, position: Position) -> None:
        self.next_offsets[partition] = position.next
        self._gaps.pop(partition, None)
        if position.gap_from is not None:
            self._gaps[partition] = position

    def _next_offset(self, partition: tuple[str, int]) -> int:
        # Asked per record: a plain tuple finds the same entry, and is made ten times faster than a named one.
        if partition not in self.next_offsets:
            raise PositionConflict(f"{partition[0]}-{partition[1]} is not assigned to this copy")
        return self.next_offsets[partition]


def _last_records(records: Iterable[Record]) -> dict[TopicPartition, Record]:
    lasts = {(record.topic, record.partition): record for record in records}
    return {TopicPartition(*place): last for place, last in lasts.items()}


def _last_offsets(records: Iterable[Record]) -> dict[TopicPartition, int]:
    return {tp: last.offset for tp, last in _last_records(records).items()}


async def _from_kafka(answer: Awaitable[Offsets]) -> Offsets:
    with classified():
        return await answer


def _check_provable(partition: Partition, position: Position, on_broker: _Range) -> None:
    """A position below what the broker holds may be moved on where the next record can prove that nothing is lost."""
    if position.next > on_broker.end or not TOPICS[partition.topic].is_sequenced or position.sequence is None:
        raise Alarm(
            f"{partition.topic}-{partition.partition}: the stored position {position.next} lies outside of what the"
            f" broker holds ({on_broker.first} to {on_broker.end}). Records were lost, or the topic was deleted and"
            " created again; see docs/operations.md."
        )


def _check_follows(record: Record, sequence: int, position: Position) -> None:
    last = position.sequence or 0
    if sequence > last + 1:
        raise Alarm(
            f"{record.topic}-{record.partition}: entries {last + 1} to {sequence - 1} are missing. They were deleted"
            f" before they were read (offsets from {position.gap_from}); see docs/operations.md."
        )
