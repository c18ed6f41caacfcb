"""Partitions of our own topics: how many each has, and which one an account's events go to."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from aiokafka.partitioner import murmur2

from shared.runtime.errors import Transient


class PartitionCounts(Mapping[str, int]):
    """Logical topic -> number of its partitions on the broker.

    A service is built before its topics are known; it keeps this mapping and looks counts up when it needs them.
    Until `fill` is called, every access raises `Transient`.
    """

    def __init__(self) -> None:
        self._counts: Mapping[str, int] | None = None

    def fill(self, counts: Mapping[str, int]) -> None:
        """Called by the runtime, with what is stored and again when the topics are prepared."""
        self._counts = dict(counts)

    def require(self) -> Mapping[str, int]:
        """The counts. Raises `Transient` before `fill`."""
        if self._counts is None:
            raise Transient("the service is starting: database and topics are not prepared yet")
        return self._counts

    def __getitem__(self, topic: str) -> int:
        return self.require()[topic]

    def __iter__(self) -> Iterator[str]:
        return iter(self.require())

    def __len__(self) -> int:
        return len(self.require())


@lru_cache(10_000)
def partition_of(key: str, partitions: int) -> int:
    """As Kafka's Java client places this key, so that keyed readers find what they expect."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions
