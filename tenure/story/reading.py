"""Reading a topic from its beginning to where it ends now, as any `read_committed` reader may.

No consumer group: nothing is remembered at the broker. Only `driver` makes these.
"""

from collections.abc import Sequence
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_LOOK_MS: Final = 50


class TopicReader:
    """Goes on where it stopped: each call gives what is new. The topic exists already."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=_LOOK_MS,
        )

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
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

    async def _reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(place) >= end for place, end in ends.items()])
