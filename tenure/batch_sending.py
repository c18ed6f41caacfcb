"""Sending very many records: whole batches of a partition instead of single records, which is many times faster.

Nothing is compressed: the records go to a broker nearby, and the time of both processes counts more than the bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from shared.kafka.client import connection_arguments
from shared.kafka.errors import classified, close_quietly
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import Settings
from tenure.topics import MAX_RECORD_BYTES, NotSent, OutgoingRecord, RecordPlace, delivered

_BATCH_BYTES: Final = 512 * 1024
"""Less than the largest batch that a broker takes by default (1 MB)."""
_ACCOUNTS_REMEMBERED: Final = 65_536


class BatchSender:
    """Sends records in batches, each to the partition that Kafka's own clients would choose for its key."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, records: Sequence[OutgoingRecord]) -> Sequence[RecordPlace]:
        """Send all, those of one partition in their order, and wait until the broker has them; where they lie, in the
        same order. May be called several times at once. Raises `NotSent`.
        """
        places: dict[int, RecordPlace] = {}
        try:
            with classified():
                sorted_ = await self._sorted(records)
                parts = [[records[number] for number in numbers] for numbers in sorted_.values()]
                sent = await asyncio.gather(*map(self._send_to, sorted_, parts))
        except (Transient, Alarm) as error:
            raise NotSent(f"Kafka did not acknowledge everything: {error.__cause__!r}") from error
        for numbers, found in zip(sorted_.values(), sent, strict=True):
            places.update(zip(numbers, found, strict=True))
        return [places[number] for number in range(len(records))]

    async def _sorted(self, records: Sequence[OutgoingRecord]) -> Mapping[tuple[str, int], Sequence[int]]:
        """(topic, partition) -> numbers of the records that go there."""
        counts = {topic: len(await self._producer.partitions_for(topic)) for topic in {each.topic for each in records}}
        found: dict[tuple[str, int], list[int]] = {}
        for number, record in enumerate(records):
            partition = _hash(record.key or b"") % counts[record.topic]
            found.setdefault((record.topic, partition), []).append(number)
        return found

    async def _send_to(self, place: tuple[str, int], records: Sequence[OutgoingRecord]) -> Sequence[RecordPlace]:
        """To one partition, batch after batch."""
        topic, partition = place
        sent: list[RecordPlace] = []
        while len(sent) < len(records):
            batch = self._producer.create_batch()
            count = _fill(batch, records[len(sent) :])
            acknowledged = await delivered(await self._producer.send_batch(batch, topic, partition=partition))
            sent += [RecordPlace(topic, partition, acknowledged.offset + each) for each in range(count)]
        return sent


@asynccontextmanager
async def batch_sender(settings: Settings) -> AsyncIterator[BatchSender]:
    """With a connection for as long as the block runs. Raises `Transient` while the broker is away."""
    producer = AIOKafkaProducer(
        **connection_arguments(settings),
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_RECORD_BYTES,
        max_batch_size=_BATCH_BYTES,
    )
    try:
        with classified():
            await producer.start()
        yield BatchSender(producer)
    finally:
        await close_quietly(producer.stop)


@lru_cache(maxsize=_ACCOUNTS_REMEMBERED)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def _fill(batch: Any, records: Sequence[OutgoingRecord]) -> int:
    """How many of the records the batch took; a first one it always takes."""
    for record in records:
        if not batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers)):
            break
    batch.close()
    return int(batch.record_count())
