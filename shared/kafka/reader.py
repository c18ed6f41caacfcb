"""Reading Kafka through FastStream: raw batches in, decoded batches out, one batch read ahead (`read_ahead`).

While one batch is being applied the next one is read and decoded, in the pauses that PostgreSQL leaves. Nothing is ever
acknowledged to Kafka here: positions are stored in the database, with the effects (G1).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from shared.contracts.unreadable import Unreadable
from shared.kafka.assignment import Assignment
from shared.kafka.assignor import SamePartitionsAssignor
from shared.kafka.client import READ_COMMITTED
from shared.kafka.errors import classified, close_quietly, report_when_slow
from shared.kafka.positions import Positions
from shared.kafka.read_ahead import ReadAhead
from shared.kafka.record import Batch, DecodedRecord, FaultyRecord, Offsets, Record
from shared.kafka.sizes import check_size
from shared.runtime.errors import Alarm, Transient
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient
from shared.runtime.settings import Settings

MAX_RECORDS: Final = 1000
"""In one batch: of twice as many an event costs 3 % less, and twice as many are in memory at once."""
_MAX_BYTES: Final = 4 * 1024 * 1024
"""In one batch that was read by several fetches."""
_FETCH_BYTES: Final = 2 * 1024 * 1024
_PARTITION_FETCH_BYTES: Final = 64 * 1024
"""In one answer, of all partitions and of each; 64 KiB are some 180 events. A batch that is larger comes alone. What
was fetched waits in memory for its turn: with 1 MiB of each of six partitions a backlog took 18 MB more.
"""
BATCH_TIMEOUT_MS: Final = 10
_REBALANCE_MS: Final = 10_000
"""How long a rebalance waits for a copy that lives and is busy."""
_HEARTBEATS_PER_SESSION: Final = 8
_FOLLOW_SECONDS: Final = 0.5
_DECODED_AT_ONCE: Final = 100
"""After so many records were decoded, the other tasks of the process may run."""


class Reader:
    """One batch subscriber for all topics of `positions`. `decode` may raise: the exception becomes the content."""

    def __init__(self, positions: Positions, *, decode: Callable[[Record], Any], health: Health) -> None:
        self.assignment = Assignment(positions, health, consumer=lambda: self.consumer)
        self.positions = positions
        self._health = health
        self._decode = decode
        self._read_ahead = ReadAhead(max_records=MAX_RECORDS, max_bytes=_MAX_BYTES)
        self._decoding = False
        self._subscriber: Any = None

    def subscribe(self, broker: KafkaBroker, *, group: str, settings: Settings) -> None:
        """Register with FastStream's broker, which then calls `on_batch`. Call once, before the broker starts."""
        # FastStream's overloads want literals where we pass values: hence the Any.
        register: Any = broker.subscriber
        session_ms = settings.kafka_session_seconds * 1000
        self._subscriber = register(
            *self.positions.topics,
            group_id=f"{settings.topic_prefix}{group}",
            group_instance_id=settings.instance_id,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // _HEARTBEATS_PER_SESSION,
            rebalance_timeout_ms=_REBALANCE_MS,
            partition_assignment_strategy=(SamePartitionsAssignor,),
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="none",
            isolation_level=READ_COMMITTED,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
            fetch_max_bytes=_FETCH_BYTES,
            parser=_keep_raw,
            decoder=_raw_records,
            listener=self.assignment,
        )
        self._subscriber(self.on_batch)

    async def on_batch(self, records: tuple[Record, ...]) -> None:
        """Decode and hand over; returns once there is room, which holds the next fetch back."""
        self._decoding = True
        try:
            read_at, epoch = time.monotonic(), self.positions.assignment_epoch
            reached = await self._reached_after(records)
            if reached:
                await self._read_ahead.add(Batch(epoch, await self._decode_all(records), reached, read_at))
        except Alarm as alarm:
            self.assignment.report(alarm)
        finally:
            self._decoding = False

    async def follow(self) -> None:
        """Without end, twice per second: let the positions follow the consumer where it passes no record.

        Where the broker does not hold a position, seek again once all before it is applied. Raises `Alarm`.
        """
        while True:
            await asyncio.sleep(_FOLLOW_SECONDS)
            if self.joined:
                passed = self.consumer.passed(self.positions.next_offsets)
                if passed and self._read_ahead.is_empty:
                    await self._read_ahead.add(Batch(self.positions.assignment_epoch, [], passed, time.monotonic()))
                if self.consumer.lost(self.positions.next_offsets):
                    await self.assignment.seek_again()

    async def next_batch(self) -> Batch:
        """The next batch, which may be of an earlier epoch; waits for one."""
        return await self._read_ahead.take()

    @property
    def consumer(self) -> Any:
        """The running aiokafka consumer, or None."""
        return self._subscriber.consumer if self._subscriber else None

    @property
    def joined(self) -> bool:
        """Whether this copy has joined its consumer group."""
        return self.consumer is not None and self.assignment.joined

    @property
    def is_busy(self) -> bool:
        """Whether a batch is being decoded or waits to be applied."""
        return self._decoding or not self._read_ahead.is_empty

    async def rebuild(self) -> None:
        """Replace the consumer by a new one. Raises `Transient` where it cannot start: call it again; and `Alarm`."""
        await close_quietly(self._subscriber.stop)
        self.positions.revoke(list(self.positions.next_offsets))
        with classified(), report_when_slow(self._health, "consuming", "its consumer group"):
            await self._subscriber.start()

    async def _reached_after(self, records: Sequence[Record]) -> Offsets:
        """However long it takes to know: a handler that raises would let these records be skipped. Raises `Alarm`."""
        try:
            return await self.positions.reached_after(records, self.consumer)
        except Transient:
            return await retry_transient(
                lambda: self.positions.reached_after(records, self.consumer), health=self._health, component="consuming"
            )

    async def _decode_all(self, records: Sequence[Record]) -> list[DecodedRecord]:
        decoded = []
        for number, record in enumerate(records, 1):
            decoded.append(self._decoded(record))
            if number % _DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return decoded

    def _decoded(self, record: Record) -> DecodedRecord:
        """An exception is kept until the record is applied, where it can be isolated."""
        if isinstance(record, FaultyRecord):
            return DecodedRecord(record, record.fault)
        try:
            check_size(record)
            return DecodedRecord(record, self._decode(record))
        except Unreadable as unreadable:
            # Its traceback and context would keep the record's bytes in memory until the next search for cycles.
            unreadable.__context__ = None
            return DecodedRecord(record, unreadable.with_traceback(None))
        except Exception as error:  # noqa: BLE001
            return DecodedRecord(record, error)


async def _keep_raw(records: tuple[Record, ...]) -> KafkaMessage:
    """FastStream's own parser reads every header as UTF-8, and loses the batch over one that is not."""
    return KafkaMessage(body=b"", raw_message=records, consumer=FAKE_CONSUMER)


async def _raw_records(message: KafkaMessage) -> tuple[Record, ...]:
    """The handler is given the batch itself."""
    records: tuple[Record, ...] = message.raw_message
    return records
