"""Which partition of our own topics an account's events go to."""

from aiokafka.partitioner import murmur2


def partition_of(key: str, partitions: int) -> int:
    """As Kafka's Java client places this key, so that keyed readers find what they expect."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions
