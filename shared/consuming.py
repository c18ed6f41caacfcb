"""Reading Kafka: raw batches in, one transaction each, positions moved in that same transaction.

Invariants: a record is applied exactly once (compare-and-swap on the stored position); trouble that passes is waited
out, nothing is skipped; a record that alone breaks its batch is buried alone, as `internal_error`.
The app calls `subscribe` once; FastStream calls the rest.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import offsets
from shared.database import transaction
from shared.errors import Alarm, Displaced, Transient
from shared.health import Health
from shared.kafka import READ_COMMITTED
from shared.offsets import Move, Partition
from shared.settings import Settings
from shared.topics import name_of
from shared.waits import until_done

MAX_RECORDS = 2000
BATCH_TIMEOUT_MS = 10
_FETCH_BYTES = 20 * 1024 * 1024

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]

logger = logging.getLogger(__name__)


class Applier(Protocol):
    """What a service does with records; both work inside the transaction that moves the positions."""

    async def apply(self, connection: AsyncConnection, records: Sequence[Record]) -> None:
        """Apply them all, or raise."""

    async def bury(self, connection: AsyncConnection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied: make it a dead letter."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """One batch subscriber over all input topics of a service."""

    def __init__(
        self, topics: Sequence[str], *, settings: Settings, engine: AsyncEngine, applier: Applier, health: Health
    ) -> None:
        self._logical = {name_of(topic, settings): topic for topic in topics}
        self._settings = settings
        self._engine = engine
        self._applier = applier
        self._health = health
        self._positions: dict[Partition, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._subscriber: Any = None
        self._joined = False
        self._told: dict[TopicPartition, int] = {}
        self._alarm: Alarm | None = None
        self._alarmed = asyncio.Event()
        self.moved_at = time.monotonic()

    def subscribe(self, broker: KafkaBroker, group: str) -> None:
        """Register with the broker; never acknowledges to Kafka, since positions live in the database."""
        # FastStream's overloads want literals where we pass values: hence the Any.
        register: Any = broker.subscriber
        self._subscriber = register(
            *self._logical,
            group_id=f"{self._settings.topic_prefix}{group}",
            group_instance_id=self._settings.instance_id,
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level=READ_COMMITTED,
            max_partition_fetch_bytes=_FETCH_BYTES // 5,
            fetch_max_bytes=_FETCH_BYTES,
            parser=_whole,
            decoder=_records,
            listener=self,
        )
        self._subscriber(self.on_batch)

    async def on_batch(self, records: tuple[Record, ...]) -> None:
        """Apply one batch, however long it takes; returns only when it is committed or no longer ours."""
        self._idle.clear()
        try:
            await until_done(lambda: self._take(records), health=self._health, part="consuming")
        except Displaced as displaced:
            logger.info("reading again from the stored positions: %s", displaced)
            await self._synchronize(self._assigned())
        except Alarm as alarm:
            self._raise(alarm)
        finally:
            self._idle.set()

    async def alarmed(self) -> None:
        """Wait for what must not be. Raises `Alarm`."""
        await self._alarmed.wait()
        if self._alarm:
            raise self._alarm

    async def drained(self, seconds: float) -> None:
        """Wait for the batch under way, at most so long."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            logger.warning("left a batch behind; it will be read again")

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Begin where the database says."""
        await self._synchronize(assigned)
        self._joined = True

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget their positions; what is under way is fenced by the compare-and-swap."""
        for partition in revoked:
            self._positions.pop(self._key(partition), None)

    @property
    def consumer(self) -> Any:
        """The running aiokafka consumer, or None."""
        return self._subscriber.consumer if self._subscriber else None

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The next offset of each partition that this copy reads."""
        return self._positions

    @property
    def busy(self) -> bool:
        return not self._idle.is_set()

    @property
    def assigned(self) -> bool:
        """Whether this copy has joined its group; it may well have been given no partition."""
        return self.consumer is not None and self._joined

    async def look(self) -> int:
        """Records ahead of this copy; tells Kafka the positions, for its lag displays. Raises Kafka's errors."""
        consumer = self.consumer
        assignment = sorted(consumer.assignment()) if consumer else []
        if not assignment:
            await consumer.topics()
            self._health.lag = {}
            return 0
        ends = await consumer.end_offsets(assignment)
        positions = {tp: self._positions[self._key(tp)] for tp in assignment if self._key(tp) in self._positions}
        lag = {self._key(tp): max(0, ends[tp] - await consumer.position(tp)) for tp in positions}
        self._health.lag = lag
        moved = {tp: position for tp, position in positions.items() if self._told.get(tp) != position}
        if moved:
            await consumer.commit(moved)
            self._told.update(moved)
        return sum(lag.values())

    async def rebuild(self) -> None:
        """Throw the consumer away and start a new one: for a consumer that has fallen silent."""
        await self._subscriber.stop()
        await self._subscriber.start()

    async def _take(self, records: Sequence[Record]) -> None:
        unread = [record for record in records if record.offset >= self._position(record)]
        if unread:
            await self._settle(unread)

    async def _settle(self, records: Sequence[Record]) -> None:
        """Apply; when something in there breaks it, halve until the culprit stands alone, and bury it."""
        try:
            await self._commit(records, None)
        except (Transient, Displaced, Alarm):
            raise
        except Exception as error:
            if len(records) > 1:
                middle = len(records) // 2
                await self._settle(records[:middle])
                await self._settle(records[middle:])
                return
            logger.exception("buried %s", _place(records[0]))
            await self._commit(records, error)

    async def _commit(self, records: Sequence[Record], broken: Exception | None) -> None:
        moves = self._moves(records)
        async with transaction(self._engine) as connection:
            await offsets.advance(connection, moves)
            if broken is None:
                await self._applier.apply(connection, records)
            else:
                await self._applier.bury(connection, records[0], broken)
        self._positions.update({key: move.next for key, move in moves.items() if key in self._positions})
        self.moved_at = time.monotonic()

    def _moves(self, records: Sequence[Record]) -> dict[Partition, Move]:
        nexts: dict[Partition, int] = {}
        for record in records:
            nexts[self._of(record)] = record.offset + 1
        return {key: Move(self._positions_of(key), following) for key, following in nexts.items()}

    def _position(self, record: Record) -> int:
        return self._positions_of(self._of(record))

    def _positions_of(self, key: Partition) -> int:
        if key not in self._positions:
            raise Displaced(f"{key} is not known to be ours")
        return self._positions[key]

    async def _synchronize(self, assigned: Sequence[TopicPartition]) -> None:
        """Stored positions -> consumer. On failure the partitions stay unknown, so nothing of them is applied."""
        try:
            await until_done(lambda: self._seek(list(assigned)), health=self._health, part="consuming")
        except Alarm as alarm:
            self._raise(alarm)

    async def _seek(self, assigned: list[TopicPartition]) -> None:
        consumer = self.consumer
        if consumer is None or not assigned:
            return
        firsts = await _asked(consumer.beginning_offsets(assigned))
        ends = await _asked(consumer.end_offsets(assigned))
        async with transaction(self._engine) as connection:
            await offsets.begin(connection, {self._key(tp): first for tp, first in firsts.items()})
            stored = await offsets.stored(connection)
        for tp in assigned:
            position = stored[self._key(tp)]
            _check_inside(tp, position, firsts[tp], ends[tp])
            if tp in consumer.assignment():
                consumer.seek(tp, position)
                self._positions[self._key(tp)] = position

    def _assigned(self) -> Sequence[TopicPartition]:
        return sorted(self.consumer.assignment()) if self.consumer else ()

    def _key(self, partition: TopicPartition) -> Partition:
        return Partition(self._logical[partition.topic], partition.partition)

    def _of(self, record: Record) -> Partition:
        return Partition(self._logical[record.topic], record.partition)

    def logical(self, record: Record) -> str:
        """The contract's name of the record's topic."""
        return self._logical[record.topic]

    def _raise(self, alarm: Alarm) -> None:
        logger.critical("%s", alarm)
        self._health.trouble("consuming", str(alarm))
        self._alarm = alarm
        self._alarmed.set()


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


async def _whole(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser reads every header as UTF-8, and loses the batch over one that is not."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _records(message: KafkaMessage) -> tuple[Record, ...]:
    """The batch itself is what the handler is given."""
    records: tuple[Record, ...] = message.raw_message
    return records


def _place(record: Record) -> str:
    return f"{record.topic}:{record.partition}:{record.offset}"
