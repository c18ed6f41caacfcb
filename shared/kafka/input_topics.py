"""Whether all input topics have been read, by whatever copy, to the ends that they had when asked.

Positions are compared in the database. Where an end is not reached because a transaction's marker stands there,
the last visible record is looked up.
"""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from shared.kafka.client import reader
from shared.kafka.last_records import last_visible
from shared.kafka.topics import name_of
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from shared.storage import offsets
from shared.storage.database import Engine, transaction
from shared.storage.offsets import Partition

_POLL_SECONDS = 0.02
_LONGEST_SECONDS = 30.0


class InputTopics:
    """The input topics of one service (logical names)."""

    def __init__(self, topics: Sequence[str], *, settings: Settings, engine: Engine) -> None:
        self._logical = {name_of(topic, settings): topic for topic in topics}
        self._settings = settings
        self._engine = engine

    async def wait_until_applied(self) -> None:
        """Wait until everything that is in the inputs now has been applied. Raises `Transient`, also after 30 s."""
        ends = await self._ends()
        deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        while not await self._reached(ends):
            if asyncio.get_running_loop().time() > deadline:
                raise Transient("the inputs are still being read; what is due waits for them")
            await asyncio.sleep(_POLL_SECONDS)

    async def _reached(self, ends: Mapping[Partition, int]) -> bool:
        async with transaction(self._engine) as connection:
            stored = await offsets.stored(connection)
        return all(stored.get(key, 0) >= end for key, end in ends.items())

    async def _ends(self) -> dict[Partition, int]:
        """One past the last visible record of every partition that has not been read to its very end."""
        async with reader(self._settings, *self._logical) as consumer:
            partitions = sorted(consumer.assignment())
            consumer.unsubscribe()
            ends = await consumer.end_offsets(partitions)
            async with transaction(self._engine) as connection:
                stored = await offsets.stored(connection)
            behind = [tp for tp in partitions if stored.get(self._key(tp), 0) < ends[tp]]
            tails = await last_visible(consumer, behind) if behind else {}
        return {self._key(tp): tail.offset + 1 for tp, tail in tails.items() if tail}

    def _key(self, partition: TopicPartition) -> Partition:
        return Partition(self._logical[partition.topic], partition.partition)
