"""Where this copy reads: the stored positions of its partitions, and the consumer that follows them.

Invariant: a batch of the present `assignment_epoch` begins
where the one before it ended. Whatever moves the consumer (partitions
given or taken, a resynchronisation) begins a new turn, and batches of an older one must be thrown away.
`consuming` only.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from shared.kafka.record import Record
from shared.runtime.errors import Alarm, Displaced, Transient
from shared.storage import offsets
from shared.storage.database import Engine, transaction
from shared.storage.offsets import Move, Partition


class Positions:
    """The next offset of each partition that this copy reads. `logical`: the broker's topic -> the contract's."""

    def __init__(self, logical: Mapping[str, str], engine: Engine) -> None:
        self._logical = logical
        self._engine = engine
        self.known: dict[tuple[str, int], int] = {}
        self.assignment_epoch = 0

    async def seek(self, consumer: Any, assigned: Sequence[TopicPartition]) -> None:
        """Stored positions -> consumer. On failure the partitions stay unknown. Raises `Transient`, `Alarm`."""
        self.assignment_epoch += 1
        firsts = await _asked(consumer.beginning_offsets(assigned))
        ends = await _asked(consumer.end_offsets(assigned))
        async with transaction(self._engine) as connection:
            await offsets.begin(connection, {self.stored_as(tp): first for tp, first in firsts.items()})
            stored = await offsets.stored(connection)
        # What was taken from the consumer since, it took from where it stood.
        self.assignment_epoch += 1
        for tp in assigned:
            position = stored[self.stored_as(tp)]
            _check_inside(tp, position, firsts[tp], ends[tp])
            if tp in consumer.assignment():
                consumer.seek(tp, position)
                self.known[tp] = position

    def forget(self, revoked: Iterable[TopicPartition]) -> None:
        """They are another copy's now; what is under way is fenced by the compare-and-swap."""
        self.assignment_epoch += 1
        for partition in revoked:
            self.known.pop(partition, None)

    async def follows(self, consumer: Any, records: Sequence[Record]) -> bool:
        """Whether the consumer stands behind these records, so that nothing has moved it since it gave them out."""
        try:
            return all([await consumer.position(tp) > last for tp, last in _lasts(records).items()])
        except IllegalStateError:
            return False

    def is_unread(self, record: Record) -> bool:
        """Whether it was not applied before. Raises `Displaced` where its partition is not known to be ours."""
        offset: int = record.offset
        return offset >= self._position((record.topic, record.partition))

    def moves(self, records: Iterable[Record]) -> dict[Partition, Move]:
        """What applying `records` means for the stored positions. Raises `Displaced` as `is_unread`."""
        return {self.stored_as(tp): Move(self._position(tp), last + 1) for tp, last in _lasts(records).items()}

    def reached(self, records: Iterable[Record]) -> None:
        """They are committed."""
        self.known.update({tp: last + 1 for tp, last in _lasts(records).items() if tp in self.known})

    def stored_as(self, partition: TopicPartition) -> Partition:
        """Its name in the database."""
        return Partition(self._logical[partition.topic], partition.partition)

    def _position(self, place: tuple[str, int]) -> int:
        if place not in self.known:
            raise Displaced(f"{place} is not known to be ours")
        return self.known[place]


def _lasts(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """The last offset in each partition."""
    lasts = {(record.topic, record.partition): record.offset for record in records}
    return {TopicPartition(*place): last for place, last in lasts.items()}


async def _asked(question: Any) -> dict[TopicPartition, int]:
    try:
        return dict(await question)
    except Exception as error:
        raise Transient(f"Kafka: {error!r}") from error


def _check_inside(partition: TopicPartition, position: int, first: int, end: int) -> None:
    if not first <= position <= end:
        raise Alarm(
            f"{partition.topic}-{partition.partition}: the stored position {position} lies outside of what the broker"
            f" holds ({first} to {end}). Records were lost or the topic was made anew; see docs/operations.md."
        )
