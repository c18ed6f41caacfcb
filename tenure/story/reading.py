"""Reading a topic from its beginning to where it ends now, as any `read_committed` reader may.

No consumer group: nothing is remembered at the broker. Only `driver` makes these.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_LOOK_MS: Final = 50
_KNOWN_WITHIN_SECONDS: Final = 10


class TopicReader:
    """Goes on where it stopped: each call gives what is new."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=_LOOK_MS,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        async with asyncio.timeout(_KNOWN_WITHIN_SECONDS):
            while not (numbers := await self._partitions()):
                await asyncio.sleep(_LOOK_MS / 1000)
        self._consumer.assign([TopicPartition(self._topic, number) for number in numbers])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def rest(self) -> Sequence[ConsumerRecord]:
        """Everything up to the ends that the topic has now."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        found: list[ConsumerRecord] = []
        while not await self._reached(ends):
            found += await self.some()
        return found

    async def some(self) -> Sequence[ConsumerRecord]:
        """What comes within a moment; may be nothing."""
        batches = await self._consumer.getmany(timeout_ms=_LOOK_MS)
        return [record for records in batches.values() for record in records]

    async def _partitions(self) -> set[int]:
        # Asks the broker for the topic's partitions; the client alone knows only the topics it was told of.
        await self._consumer.topics()
        return self._consumer.partitions_for_topic(self._topic) or set()

    async def _reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(place) >= end for place, end in ends.items()])
