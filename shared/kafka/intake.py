"""Reading Kafka: raw batches in, one transaction each, positions moved in that same transaction.

Invariants: a record is applied exactly once (compare-and-swap on the stored position); trouble that passes is waited
out, nothing is skipped; a record that alone breaks its batch is buried alone, as `internal_error`.
The app calls `subscribe` once and runs `run`; FastStream calls the rest. While one batch is being applied the next one
is read ahead, in the pauses that PostgreSQL leaves.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from shared.contracts.envelope import Unreadable
from shared.kafka.client import READ_COMMITTED
from shared.kafka.positions import Positions
from shared.kafka.record import DecodedRecord, Record
from shared.kafka.topics import name_of
from shared.runtime.errors import Alarm, Displaced, Transient
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient
from shared.runtime.settings import Settings
from shared.storage import offsets
from shared.storage.database import Connection, Engine, transaction

MAX_RECORDS = 2000
BATCH_TIMEOUT_MS = 10
_FETCH_BYTES = 20 * 1024 * 1024
_BREATH = 100
"""After so many records were read ahead the rest of the process gets its turn."""

logger = logging.getLogger(__name__)


class Batch(NamedTuple):
    """What was taken from the consumer at once; void when `assignment_epoch` is over."""

    assignment_epoch: int
    decoded: Sequence[DecodedRecord]


class BatchProcessor(Protocol):
    """What a service does with records; both methods run in the transaction that moves the positions."""

    def decode(self, record: Record) -> Any:
        """What `apply` needs of it, worked out ahead. Pure. Raises `Unreadable`, which `apply` gets in its place."""

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> None:
        """Apply them all, or raise."""

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied: make it a dead letter."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """One batch subscriber over all input topics of a service."""

    def __init__(
        self,
        topics: Sequence[str],
        *,
        settings: Settings,
        engine: Engine,
        batch_processor: BatchProcessor,
        health: Health,
    ) -> None:
        self._logical = {name_of(topic, settings): topic for topic in topics}
        self._settings = settings
        self._engine = engine
        self._batch_processor = batch_processor
        self._health = health
        self._positions = Positions(self._logical, engine)
        self._ahead: asyncio.Queue[Batch] = asyncio.Queue(maxsize=1)
        self._under_way: asyncio.Task[None] | None = None
        self._subscriber: Any = None
        self._reading = False
        self._joined = False
        self._ending = False
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
        """Read them ahead and hand them over; waits while two batches are before them."""
        self._reading = True
        try:
            assignment_epoch = self._positions.assignment_epoch
            if await self._positions.follows(self.consumer, records):
                await self._ahead.put(Batch(assignment_epoch, await self._decode_all(records)))
        finally:
            self._reading = False

    async def run(self) -> None:
        """Apply batch by batch, for ever; when cancelled the one under way is left to `drained`. Raises `Alarm`."""
        while True:
            batch = await self._ahead.get()
            self._under_way = asyncio.ensure_future(self._apply(batch))
            await asyncio.shield(self._under_way)

    async def drained(self, seconds: float) -> None:
        """The end: wait for the batch under way, at most so long, and for no position any more."""
        self._ending = True
        if self._under_way and not self._under_way.done():
            _, late = await asyncio.wait([self._under_way], timeout=seconds)
            if late:
                self._under_way.cancel()
                logger.warning("left a batch behind; it will be read again")

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Begin where the database says."""
        await self._synchronize(assigned)
        self._joined = True

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """They are no longer ours."""
        self._positions.forget(revoked)

    async def alarmed(self) -> None:
        """Wait for what must not be. Raises `Alarm`."""
        await self._alarmed.wait()
        if self._alarm:
            raise self._alarm

    @property
    def consumer(self) -> Any:
        """The running aiokafka consumer, or None."""
        return self._subscriber.consumer if self._subscriber else None

    @property
    def busy(self) -> bool:
        """Whether a batch is being read ahead, waits, or is being applied."""
        applying = self._under_way is not None and not self._under_way.done()
        return self._reading or not self._ahead.empty() or applying

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
        known = self._positions.known
        positions = {tp: known[tp] for tp in assignment if tp in known}
        # A marker at the very end of a partition is no record: once idle, only the consumer knows that it is past it.
        reached = positions if self.busy else {tp: await consumer.position(tp) for tp in positions}
        lag = {self._positions.stored_as(tp): max(0, ends[tp] - reached[tp]) for tp in positions}
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

    async def _decode_all(self, records: Sequence[Record]) -> list[DecodedRecord]:
        decoded = []
        for number, record in enumerate(records, 1):
            decoded.append(self._read(record))
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        return decoded

    def _read(self, record: Record) -> DecodedRecord:
        """What goes wrong here is told when its turn comes, where it can be isolated."""
        try:
            return DecodedRecord(record, self._batch_processor.decode(record))
        except Exception as error:  # noqa: BLE001
            return DecodedRecord(record, error)

    async def _apply(self, batch: Batch) -> None:
        """However long it takes; ends only when the batch is committed or no longer ours. Raises `Alarm`."""
        try:
            await retry_transient(lambda: self._take(batch), health=self._health, component="consuming")
        except Displaced as displaced:
            logger.info("reading again from the stored positions: %s", displaced)
            await self._synchronize(sorted(self.consumer.assignment()) if self.consumer else ())
        except Alarm as alarm:
            self._raise(alarm)
            raise

    async def _take(self, batch: Batch) -> None:
        if batch.assignment_epoch == self._positions.assignment_epoch:
            unread = [each for each in batch.decoded if self._positions.is_unread(each.record)]
            if unread:
                await self._settle(unread)

    async def _settle(self, decoded: Sequence[DecodedRecord]) -> None:
        """Apply; when something in there breaks it, halve until the culprit stands alone, and bury it."""
        try:
            await self._commit(decoded, None)
        except (Transient, Displaced, Alarm):
            raise
        except Exception as error:
            if len(decoded) > 1:
                middle = len(decoded) // 2
                await self._settle(decoded[:middle])
                await self._settle(decoded[middle:])
                return
            record = decoded[0].record
            logger.exception("buried %s:%s:%s", record.topic, record.partition, record.offset)
            await self._commit(decoded, error)

    async def _commit(self, decoded: Sequence[DecodedRecord], broken: Exception | None) -> None:
        moves = self._positions.moves(each.record for each in decoded)
        async with transaction(self._engine) as connection:
            await offsets.advance(connection, moves)
            if broken is None:
                _check(decoded)
                await self._batch_processor.apply(connection, decoded)
            else:
                await self._batch_processor.dead_letter(connection, decoded[0].record, broken)
        self._positions.reached(each.record for each in decoded)
        self.moved_at = time.monotonic()

    async def _synchronize(self, assigned: Sequence[TopicPartition]) -> None:
        try:
            await retry_transient(lambda: self._seek(assigned), health=self._health, component="consuming")
        except Alarm as alarm:
            self._raise(alarm)

    async def _seek(self, assigned: Sequence[TopicPartition]) -> None:
        # The consumer cannot stop before its listener has ended, and that must not wait for a database that is away.
        if self.consumer is not None and assigned and not self._ending:
            await self._positions.seek(self.consumer, list(assigned))

    def logical(self, record: Record) -> str:
        """The contract's name of the record's topic."""
        return self._logical[record.topic]

    def _raise(self, alarm: Alarm) -> None:
        logger.critical("%s", alarm)
        self._health.mark_unready("consuming", str(alarm))
        self._alarm = alarm
        self._alarmed.set()


def _check(decoded: Sequence[DecodedRecord]) -> None:
    """What broke when it was read breaks its batch now."""
    for each in decoded:
        if isinstance(each.content, Exception) and not isinstance(each.content, Unreadable):
            raise each.content


async def _whole(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser reads every header as UTF-8, and loses the batch over one that is not."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _records(message: KafkaMessage) -> tuple[Record, ...]:
    """The batch itself is what the handler is given."""
    records: tuple[Record, ...] = message.raw_message
    return records
