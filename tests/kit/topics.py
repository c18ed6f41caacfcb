"""Reading a topic as its consumers may: only what is committed, from the first record to the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from shared.kafka.record import Record
from tenure.topics import read_to_end

_MARKER_SECONDS: Final = 5.0
"""How long a transaction that is still open is waited for; the broker ends it in its own time."""


@asynccontextmanager
async def consumer(
    bootstrap: str, *topics: str, isolation_level: str = "read_committed", **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, at the beginning of all partitions of these topics."""
    made = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        isolation_level=isolation_level,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def read_topic(bootstrap: str, topic: str) -> list[Record]:
    """All records that the topic holds now, in order within each partition.

    A commit is answered before all partitions know of it, so what was committed a moment ago is waited for.
    """
    async with consumer(bootstrap, topic) as reader:
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(_MARKER_SECONDS),
                consumer(bootstrap, topic, isolation_level="read_uncommitted") as all_records,
            ):
                await _until_all_is_visible(reader, all_records)
        return await read_to_end(reader)


async def _until_all_is_visible(reader: AIOKafkaConsumer, all_records: AIOKafkaConsumer) -> None:
    places = reader.assignment()
    while await reader.end_offsets(places) != await all_records.end_offsets(places):
        await asyncio.sleep(0.01)
