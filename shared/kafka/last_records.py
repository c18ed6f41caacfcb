"""The last record of ours in each partition, for a `read_committed` consumer.

The end offset of a partition is often a transaction marker, or comes after aborted records or those of somebody else.
So the last record is searched backwards from the end, in windows that grow, until it or the partition's start is found.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.kafka.record import Record

_FIRST_WINDOW: Final = 16
_GROWTH: Final = 16
_POLL_MS: Final = 500


async def last_visible(
    consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition], *, ours: Callable[[Record], bool]
) -> dict[TopicPartition, Record | None]:
    """Each partition's last committed record of `ours`; None where it holds none. `consumer` has no group."""
    wanted = list(partitions)
    consumer.assign(wanted)
    firsts = await consumer.beginning_offsets(wanted)
    ends = await consumer.end_offsets(wanted)
    found: dict[TopicPartition, Record | None] = dict.fromkeys(wanted)
    window = _FIRST_WINDOW
    searched = [tp for tp in wanted if ends[tp] > firsts[tp]]
    while searched:
        starts = {tp: max(firsts[tp], ends[tp] - window) for tp in searched}
        found.update(await _last_between(consumer, starts, ends, ours))
        searched = [tp for tp in searched if found[tp] is None and starts[tp] > firsts[tp]]
        window *= _GROWTH
    return found


async def _last_between(
    consumer: AIOKafkaConsumer,
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    ours: Callable[[Record], bool],
) -> dict[TopicPartition, Record | None]:
    """Read each partition from its start to its end and keep the last record of `ours`."""
    consumer.assign(list(starts))
    for tp, start in starts.items():
        consumer.seek(tp, start)
    last: dict[TopicPartition, Record | None] = dict.fromkeys(starts)
    while await _is_before_an_end(consumer, starts, ends):
        for tp, records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=10_000)).items():
            if tp in last:
                last[tp] = next(filter(ours, reversed(records)), last[tp])
    return last


async def _is_before_an_end(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> bool:
    positions = await asyncio.gather(*(consumer.position(tp) for tp in starts))
    return any(position < ends[tp] for tp, position in zip(starts, positions, strict=True))
