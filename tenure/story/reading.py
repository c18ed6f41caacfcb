"""Reading a topic bit by bit while a story goes on, as any `read_committed` reader may. Only `driver` makes these.

No consumer group: nothing is remembered at the broker.
"""

from collections.abc import Sequence
from typing import Final, Self

from aiokafka import AIOKafkaConsumer

from shared.kafka.record import Record
from tenure.topics import read_some, read_to_end

_FETCH_WAIT_MS: Final = 50


class TopicReader:
    """Goes on where it stopped: each call returns what is new. The topic exists already."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
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

    async def rest(self) -> Sequence[Record]:
        """Everything up to the ends that the topic has now."""
        return await read_to_end(self._consumer)

    async def some(self) -> Sequence[Record]:
        """What comes within a moment; may be nothing."""
        return await read_some(self._consumer)
