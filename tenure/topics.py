"""Topics from outside the services: sending records to them, and reading them to their ends.

No consumer group: nothing is remembered at the broker.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from shared.kafka.client import admin_client, connection_arguments
from shared.kafka.errors import classified, close_quietly
from shared.kafka.record import Record
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import Settings

MAX_RECORD_BYTES: Final = 20 * 1024 * 1024
"""As much as any of our topics takes in one request."""
_POLL_MS: Final = 50
_SILENT_SECONDS: Final = 30.0
_DELIVERY_SECONDS: Final = 120.0
"""As long as Kafka's own clients wait for a record. aiokafka asks on for ever, and raises nothing, while a broker takes
connections and does not answer, or has gone once the client is connected.
"""

T = TypeVar("T")
Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


class RecordPlace(NamedTuple):
    """Where a record lies; `topic` as the broker names it."""

    topic: str
    partition: int
    offset: int


class NotSent(Exception):
    """The broker did not take what was sent; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRecord:
    """What is to be sent; `topic` as the broker names it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def _ignore(_: int) -> None:
    pass


async def send(
    records: Sequence[OutgoingRecord], settings: Settings, *, acknowledged: Callable[[int], None] = _ignore
) -> Sequence[RecordPlace]:
    """Send all in their order and wait until the broker has them; where they lie, in the same order.

    `acknowledged` is called with the number of records that the broker has. Raises `NotSent`, and `Transient` while
    the broker is away. When a topic is missing, nothing is sent.
    """
    await check_topics({record.topic for record in records}, settings)
    producer = AIOKafkaProducer(
        **connection_arguments(settings), acks="all", enable_idempotence=True, max_request_size=MAX_RECORD_BYTES
    )
    places = []
    try:
        with classified():
            await producer.start()
            for count, future in enumerate([await send_record(producer, record) for record in records], start=1):
                metadata = await delivered(future)
                places.append(RecordPlace(metadata.topic, metadata.partition, metadata.offset))
                acknowledged(count)
    except (Transient, Alarm) as error:
        raise NotSent(f"Kafka did not acknowledge everything: {error.__cause__!r}") from error
    finally:
        await close_quietly(producer.stop)
    return places


async def delivered(acknowledgement: Awaitable[T], *, seconds: float = _DELIVERY_SECONDS) -> T:
    """What the broker answers to something that was sent. Raises `NotSent` where it does not within `seconds`."""
    try:
        return await asyncio.wait_for(acknowledgement, seconds)
    except TimeoutError:
        raise NotSent(f"Kafka did not acknowledge everything: it has not answered for {seconds:g} s") from None


async def send_record(producer: AIOKafkaProducer, record: OutgoingRecord) -> "asyncio.Future[RecordMetadata]":
    """Hand one record to a started producer; the future is done once the broker has it."""
    headers = list(record.headers)
    future: asyncio.Future[RecordMetadata]
    if record.key is None and record.value is None:  # which `send` refuses
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=None, headers=headers)
        future = await producer.send_batch(batch, record.topic, partition=0)
    else:
        future = await producer.send(record.topic, record.value, key=record.key, headers=headers)
    return future


async def read_to_end(
    consumer: AIOKafkaConsumer, *, read: Callable[[int], None] = _ignore, seconds: float = _SILENT_SECONDS
) -> list[Record]:
    """All that `read_on` brings, in order within each partition.

    `read` is called with the number of records so far.
    """
    found: list[Record] = []
    async for records in read_on(consumer, seconds=seconds):
        found += records
        read(len(found))
    return found


async def read_on(consumer: AIOKafkaConsumer, *, seconds: float = _SILENT_SECONDS) -> AsyncIterator[list[Record]]:
    """The records from the consumer's positions to the ends that its partitions have now, bit by bit.

    Raises `Transient` where nothing more comes within `seconds`.
    """
    ends = await consumer.end_offsets(consumer.assignment())
    while (records := await _next_before(ends, consumer, seconds)) is not None:
        yield records


async def read_some(consumer: AIOKafkaConsumer) -> list[Record]:
    """What comes within a moment; may be nothing."""
    batches = await consumer.getmany(timeout_ms=_POLL_MS)
    return [record for records in batches.values() for record in records]


async def _next_before(
    ends: Mapping[TopicPartition, int], consumer: AIOKafkaConsumer, seconds: float
) -> list[Record] | None:
    """None at the ends; no records where those that came are not for us, such as those of an aborted transaction."""
    try:
        async with asyncio.timeout(seconds):
            before = await _positions(consumer, ends)
            if all(before[place] >= end for place, end in ends.items()):
                return None
            while not (records := await read_some(consumer)) and await _positions(consumer, ends) == before:
                pass
            return records
    except TimeoutError:
        raise Transient(f"Kafka has fallen silent: nothing more has come for {seconds:g} s") from None


async def _positions(consumer: AIOKafkaConsumer, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
    return {place: await consumer.position(place) for place in places}


async def topic_exists(name: str, settings: Settings) -> bool:
    """Whether the broker has this topic. Raises `Transient` while it is away."""
    async with admin_client(settings) as client:
        return name in await client.list_topics()


async def check_topics(names: Iterable[str], settings: Settings) -> None:
    """Name a missing topic at once, where a producer would ask for it again and again. Raises `NotSent`."""
    async with admin_client(settings) as client:
        missing = set(names) - set(await client.list_topics())
    if missing:
        raise NotSent(f"Kafka has no topic {', '.join(sorted(missing))}. Nothing was sent.")
