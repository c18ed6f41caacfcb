"""The last visible record of each partition.

The end offset of a partition is often a transaction marker, or lies behind aborted records, so the tail is found by
walking back in widening windows until a visible record, or the log's start, is met.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_FIRST_WINDOW = 16
_WIDENING = 16
_POLL_MS = 500

Record: TypeAlias = ConsumerRecord[Any, Any]


async def last_visible(
    consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Record | None]:
    """Each partition's last committed record; None where it holds none. `consumer` has no group."""
    wanted = list(partitions)
    consumer.assign(wanted)
    firsts = await consumer.beginning_offsets(wanted)
    ends = await consumer.end_offsets(wanted)
    tails: dict[TopicPartition, Record | None] = dict.fromkeys(wanted)
    window = _FIRST_WINDOW
    left = [tp for tp in wanted if ends[tp] > firsts[tp]]
    while left:
        starts = {tp: max(firsts[tp], ends[tp] - window) for tp in left}
        tails.update(await _read(consumer, starts, ends))
        left = [tp for tp in left if tails[tp] is None and starts[tp] > firsts[tp]]
        window *= _WIDENING
    return tails


async def _read(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> dict[TopicPartition, Record | None]:
    """Read each partition from its start to its end, keep the last record seen."""
    consumer.assign(list(starts))
    for tp, start in starts.items():
        consumer.seek(tp, start)
    seen: dict[TopicPartition, Record | None] = dict.fromkeys(starts)
    while await _unfinished(consumer, starts, ends):
        for tp, records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=10_000)).items():
            if records and tp in seen:
                seen[tp] = records[-1]
    return seen


async def _unfinished(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> bool:
    positions = await asyncio.gather(*(consumer.position(tp) for tp in starts))
    return any(position < ends[tp] for tp, position in zip(starts, positions, strict=True))
