"""Publishing the log: one leader per service, in order, each entry exactly once for a `read_committed` reader (G2).

The topic itself says how far publishing got: each record carries its `sequence` in a header. Starting a producer fences
a stale leader and ends its open transaction; only then are the last records read. After any error the producer is
discarded, and a new one begins again at the last records; a commit is never retried.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import MAX_PUBLISHED_BYTES, TOPICS, Form
from shared.kafka.client import connection_arguments, standalone_consumer
from shared.kafka.last_records import last_visible
from shared.kafka.record import Record
from shared.kafka.topics import name_of
from shared.outbox import progress
from shared.outbox.log import unpack
from shared.outbox.progress import Progress
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm, Transient
from shared.runtime.retry import wait_for_event
from shared.storage.database import transaction
from shared.storage.offsets import Partition

_MAX_ENTRIES: Final = 4000
"""Entries per output partition in one Kafka transaction."""
_PAUSE_SECONDS: Final = 0.01
"""Between transactions: Kafka 4 answers one that begins at once with CONCURRENT_TRANSACTIONS, which costs 20 ms."""
_IDLE_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 10
_BATCH_BYTES: Final = 512 * 1024
_BARE_TOPICS: Final = frozenset(topic.name for topic in TOPICS.values() if topic.form is not Form.EVENT)

logger = logging.getLogger(__name__)


class Relay:
    """Publishes while this copy leads. `wake` is set by whoever learns that the log has grown."""

    def __init__(self, context: ServiceContext, *, wake: asyncio.Event) -> None:
        self._id = f"{context.settings.topic_prefix}tenure-{context.name}-relay"
        self._settings = context.settings
        self._engine = context.engine
        self._health = context.health
        self._wake = wake
        self._published: dict[Partition, int] = {}
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Publish without end. Raises `Transient` on any trouble, to be called again, and `Alarm`."""
        async with self._producer() as producer:
            await self._mark_published(await self._last_published())
            self._health.mark_ready("publishing")
            while True:
                self._wake.clear()
                if not await self._publish(producer):
                    await wait_for_event(self._wake, _IDLE_SECONDS)

    async def wait_until_published(self, ends: Mapping[Partition, int]) -> None:
        """Wait until each output partition is published up to this sequence, by this leader or an earlier one."""
        async with self._progress:
            await self._progress.wait_for(lambda: all(self._published.get(key, 0) >= end for key, end in ends.items()))

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            **connection_arguments(self._settings),
            transactional_id=self._id,
            transaction_timeout_ms=20_000,
            max_request_size=MAX_PUBLISHED_BYTES,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=15_000,
        )
        try:
            await producer.start()
            yield producer
        except (KafkaError, OSError) as error:
            raise Transient(f"Kafka: {error!r}") from error
        finally:
            await _stop(producer)

    async def _last_published(self) -> dict[Partition, int]:
        """The last published sequence per output partition. Raises `Alarm` where topic and log disagree."""
        async with transaction(self._engine) as connection:
            await progress.begin(connection)
            stored = await progress.stored(connection)
        names = {key: TopicPartition(name_of(key.topic, self._settings), key.partition) for key in stored}
        async with standalone_consumer(self._settings) as consumer:
            records = await last_visible(consumer, names.values())
        return {key: _checked_sequence(key, records[names[key]], stored[key]) for key in stored}

    async def _publish(self, producer: AIOKafkaProducer) -> bool:
        """Publish what the log holds, in one Kafka transaction. False: there was nothing to publish."""
        async with transaction(self._engine) as connection:
            entries = await progress.unpublished(connection, self._published, at_most=_MAX_ENTRIES)
        if not entries:
            return False
        await producer.begin_transaction()
        published = await self._send(producer, entries)
        await producer.commit_transaction()
        await self._mark_published(published)
        async with transaction(self._engine) as connection:
            await progress.keep(connection, published)
        await asyncio.sleep(_PAUSE_SECONDS)
        return True

    async def _send(self, producer: AIOKafkaProducer, entries: Sequence[Any]) -> dict[Partition, int]:
        """Send batch after batch per partition; only then wait for all of them. The last sequence per partition."""
        last: dict[Partition, int] = {}
        sent: list[Awaitable[Any]] = []
        batches: dict[Partition, Any] = {}
        for topic, number, sequence, key, value, headers in entries:
            place = Partition(topic, number)
            record = {"key": key, "value": value, "timestamp": None, "headers": _headers(topic, sequence, headers)}
            batch = batches.get(place) or batches.setdefault(place, producer.create_batch())
            if batch.append(**record) is None:
                sent.append(await self._send_batch(producer, place, batch))
                batch = batches[place] = producer.create_batch()
                if batch.append(**record) is None:
                    raise Alarm(f"{topic}-{number}: entry {sequence} of the log is too large to be published.")
            last[place] = sequence
        for place, batch in batches.items():
            sent.append(await self._send_batch(producer, place, batch))
        await asyncio.gather(*sent)
        return last

    async def _send_batch(self, producer: AIOKafkaProducer, place: Partition, batch: Any) -> Awaitable[Any]:
        sending: Awaitable[Any] = await producer.send_batch(
            batch, name_of(place.topic, self._settings), partition=place.partition
        )
        return sending

    async def _mark_published(self, published: Mapping[Partition, int]) -> None:
        """Up to these sequences everything is on its topic: wake `wait_until_published`."""
        async with self._progress:
            self._published.update(published)
            self._progress.notify_all()


def _checked_sequence(key: Partition, last: Record | None, stored: Progress) -> int:
    """The sequence of a partition's last record; the stored one where retention has emptied the partition.

    Raises `Alarm` where the two contradict each other.
    """
    if last is None:
        return stored.published
    published = _sequence_of(last)
    if published > stored.end:
        raise Alarm(
            f"{key.topic}-{key.partition} holds entry {published}, but the log ends at {stored.end}: the database is"
            " older than the topic (restored from a backup?). See docs/operations.md before anything is published."
        )
    if published < stored.published:
        raise Alarm(
            f"{key.topic}-{key.partition} ends at entry {published}, but {stored.published} was published: the topic"
            " lost records. See docs/operations.md."
        )
    return published


def _sequence_of(record: Record) -> int:
    """The `sequence` header of a record that a relay published. Raises `Alarm` when there is none."""
    for name, value in reversed(record.headers):
        if name == "sequence":
            return int(value)
    raise Alarm(f"{record.topic}-{record.partition}: the last record has no sequence; somebody else writes this topic.")


def _headers(topic: str, sequence: int, packed: bytes | None) -> list[tuple[str, bytes | None]]:
    own: list[tuple[str, bytes | None]] = [("sequence", b"%d" % sequence)]
    if topic not in _BARE_TOPICS:
        own.insert(0, ("content-type", STRUCTURED.encode()))
    return [*unpack(packed), *own]


async def _stop(producer: AIOKafkaProducer) -> None:
    """A broken producer may not stop cleanly; it is discarded either way."""
    try:
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
    except Exception as error:  # noqa: BLE001
        logger.info("the old producer did not stop cleanly: %r", error)
