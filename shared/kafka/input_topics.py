"""Whether everything that a service's input topics hold at one moment has been applied, by whichever copy.

Timers and the test clock wait for this before they run, so that an event in time counts as in time (R4). The moment is
a look at the ends of all partitions that exist: their high watermarks, so that what an open transaction holds back is
waited for too. Whoever waits keeps the ends of the first look: under a steady lag new ones would never be reached.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from shared.kafka.client import READ_UNCOMMITTED, standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from shared.storage import stored_positions
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition

Ends: TypeAlias = Mapping[Partition, int]
"""Partition -> the offset after all that it held."""
_POLL_SECONDS: Final = 0.02
_LONGEST_SECONDS: Final = 30.0


class InputTopics:
    """The input topics of one service; `topics` are logical names."""

    def __init__(self, topics: Sequence[str], *, settings: Settings, engine: Engine) -> None:
        self._topics = {name_of(topic, settings): topic for topic in topics}
        self._settings = settings
        self._engine = engine

    async def ends(self) -> Ends:
        """The ends that the topics have now. Raises `Transient`."""
        async with (
            standalone_consumer(self._settings, *self._topics, isolation_level=READ_UNCOMMITTED) as consumer,
            asyncio.timeout(_LONGEST_SECONDS),
        ):
            found = await consumer.end_offsets(consumer.assignment())
        return {Partition(self._topics[tp.topic], tp.partition): end for tp, end in found.items()}

    async def wait_until_applied(self, ends: Ends) -> None:
        """Wait until everything before these ends is applied.

        Raises `Transient`, also where that takes more than 30 s: then call it again with the same ends.
        """
        deadline = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        while missing := await self._missing(ends):
            if asyncio.get_running_loop().time() > deadline:
                raise Transient(f"what is due waits until the inputs are applied: {'; '.join(missing)}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _missing(self, ends: Ends) -> list[str]:
        """What is not applied yet, in words."""
        async with transaction(self._engine) as connection:
            stored = await stored_positions.stored(connection)
        return [
            f"{partition.topic}-{partition.partition} to offset {stored.get(partition, 0)} of {end}"
            for partition, end in sorted(ends.items())
            if stored.get(partition, 0) < end
        ]
