"""Publishing the log: one leader a service, in order, each entry exactly once for a `read_committed` reader (G2).

The topic itself says how far publishing got: its last record carries `sequence`. Starting a producer fences a stale
leader and ends its open transaction; only then are the tails read. After any error the producer is thrown away
and everything begins again at the tails; a commit is never retried.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import MAX_PUBLISHED_BYTES, TOPICS, Form
from shared.kafka.client import connection as kafka_connection
from shared.kafka.client import reader
from shared.kafka.last_records import last_visible
from shared.kafka.record import Record
from shared.kafka.topics import name_of
from shared.outbox import progress
from shared.outbox.log import unpack
from shared.outbox.progress import Progress
from shared.runtime.errors import Alarm, Transient
from shared.runtime.health import Health
from shared.runtime.retry import wait_for_event
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.storage.offsets import Partition

_AT_ONCE = 4000
_PACE_SECONDS = 0.01
_IDLE_SECONDS = 1.0
_BATCH_BYTES = 512 * 1024
_BARE_TOPICS = frozenset(topic.name for topic in TOPICS.values() if topic.form is not Form.EVENT)

logger = logging.getLogger(__name__)


class Relay:
    """Runs while this copy leads; `wake` is set by whoever appended to the log."""

    def __init__(
        self, service: str, *, settings: Settings, engine: Engine, wake: asyncio.Event, health: Health
    ) -> None:
        self._id = f"{settings.topic_prefix}tenure-{service}-relay"
        self._settings = settings
        self._engine = engine
        self._wake = wake
        self._health = health
        self._published: dict[Partition, int] = {}
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Publish for ever. Raises `Transient` on any trouble, to be run anew, and `Alarm`."""
        async with self._producer() as producer:
            await self._reached(await self._positions())
            self._health.mark_ready("publishing")
            while True:
                self._wake.clear()
                if not await self._publish(producer):
                    await wait_for_event(self._wake, _IDLE_SECONDS)

    async def published(self, ends: Mapping[Partition, int]) -> None:
        """Wait until everything up to `ends` is on its topic."""
        async with self._progress:
            await self._progress.wait_for(lambda: all(self._published.get(key, 0) >= end for key, end in ends.items()))

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            **kafka_connection(self._settings),
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
            await _stopped(producer)

    async def _positions(self) -> dict[Partition, int]:
        """Where to go on: the tail of the topic, or the kept position where retention has emptied it."""
        async with transaction(self._engine) as connection:
            await progress.begin(connection)
            stored = await progress.stored(connection)
        names = {key: TopicPartition(name_of(key.topic, self._settings), key.partition) for key in stored}
        async with reader(self._settings) as consumer:
            tails = await last_visible(consumer, names.values())
        return {key: _agreed(key, tails[names[key]], stored[key]) for key in stored}

    async def _publish(self, producer: AIOKafkaProducer) -> bool:
        """Publish what is there, in one Kafka transaction; False when nothing was."""
        async with transaction(self._engine) as connection:
            rows = await progress.unpublished(connection, self._published, at_most=_AT_ONCE)
        if not rows:
            return False
        await producer.begin_transaction()
        reached = await self._send(producer, rows)
        await producer.commit_transaction()
        await self._note(reached)
        await asyncio.sleep(_PACE_SECONDS)
        return True

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> dict[Partition, int]:
        """Fill one batch a partition after another; all are on their way before any is waited for."""
        reached: dict[Partition, int] = {}
        sent: list[Awaitable[Any]] = []
        batches: dict[Partition, Any] = {}
        for topic, number, sequence, key, value, headers in rows:
            place = Partition(topic, number)
            record = {"key": key, "value": value, "timestamp": None, "headers": _headers(topic, sequence, headers)}
            batch = batches.get(place) or batches.setdefault(place, producer.create_batch())
            if batch.append(**record) is None:
                sent.append(await self._send_batch(producer, place, batch))
                batch = batches[place] = producer.create_batch()
                if batch.append(**record) is None:
                    raise Alarm(f"{topic}-{number}: entry {sequence} of the log is too large to be published.")
            reached[place] = sequence
        for place, batch in batches.items():
            sent.append(await self._send_batch(producer, place, batch))
        await asyncio.gather(*sent)
        return reached

    async def _send_batch(self, producer: AIOKafkaProducer, place: Partition, batch: Any) -> Awaitable[Any]:
        sending: Awaitable[Any] = await producer.send_batch(
            batch, name_of(place.topic, self._settings), partition=place.partition
        )
        return sending

    async def _reached(self, positions: Mapping[Partition, int]) -> None:
        """Tell whoever waits for it, also where the last leader had published it already."""
        async with self._progress:
            self._published.update(positions)
            self._progress.notify_all()

    async def _note(self, reached: Mapping[Partition, int]) -> None:
        await self._reached(reached)
        async with transaction(self._engine) as connection:
            await progress.keep(connection, reached)


def _agreed(key: Partition, tail: Record | None, stored: Progress) -> int:
    """The last published sequence. Raises `Alarm` where topic and log contradict each other."""
    if tail is None:
        return stored.published
    published = sequence_of(tail)
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


def sequence_of(record: Record) -> int:
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


async def _stopped(producer: AIOKafkaProducer) -> None:
    """A producer that is broken may not stop cleanly; it is thrown away either way."""
    try:
        await asyncio.wait_for(producer.stop(), 10)
    except Exception as error:  # noqa: BLE001
        logger.info("the old producer did not stop cleanly: %r", error)
