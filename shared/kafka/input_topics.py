"""Whether everything that a service's input topics hold at one moment has been applied, by whichever copy.

Timers and the test clock wait for this before they run, so that an event in time counts as in time (R4). Stored
positions are compared with the last visible record of each partition, because a partition often ends with a
transaction marker, which is never applied.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition

from shared.kafka.client import standalone_consumer
from shared.kafka.last_records import last_visible
from shared.kafka.topics import name_of
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from shared.storage import offsets
from shared.storage.database import Engine, transaction
from shared.storage.offsets import Partition

_POLL_SECONDS: Final = 0.02
_LONGEST_SECONDS: Final = 30.0


class InputTopics:
    """The input topics of one service; `topics` are logical names."""

    def __init__(self, topics: Sequence[str], *, settings: Settings, engine: Engine) -> None:
        self._topics = {name_of(topic, settings): topic for topic in topics}
        self._settings = settings
        self._engine = engine

    async def wait_until_applied(self) -> None:
        """Wait until everything that the topics hold now has been applied. Raises `Transient`, also after 30 s."""
        ends = await self._visible_ends()
        deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        while not await self._are_applied(ends):
            if asyncio.get_running_loop().time() > deadline:
                raise Transient("the inputs are still being read; what is due waits for them")
            await asyncio.sleep(_POLL_SECONDS)

    async def _are_applied(self, ends: Mapping[Partition, int]) -> bool:
        stored = await self._stored()
        return all(stored.get(partition, 0) >= end for partition, end in ends.items())

    async def _visible_ends(self) -> dict[Partition, int]:
        """One past the last visible record, for each partition whose stored position is not at its very end."""
        async with standalone_consumer(self._settings, *self._topics) as consumer:
            assigned = sorted(consumer.assignment())
            consumer.unsubscribe()
            ends = await consumer.end_offsets(assigned)
            stored = await self._stored()
            unfinished = [tp for tp in assigned if stored.get(self._partition(tp), 0) < ends[tp]]
            records = await last_visible(consumer, unfinished) if unfinished else {}
        return {self._partition(tp): record.offset + 1 for tp, record in records.items() if record}

    async def _stored(self) -> dict[Partition, int]:
        async with transaction(self._engine) as connection:
            return await offsets.stored(connection)

    def _partition(self, partition: TopicPartition) -> Partition:
        return Partition(self._topics[partition.topic], partition.partition)
