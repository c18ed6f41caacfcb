"""Reading a topic as its consumers may: only what is committed, from the first record to the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer

_POLL_MS = 50


@asynccontextmanager
async def consumer(bootstrap: str, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A `read_committed` consumer without a group, at the beginning of all partitions of these topics."""
    made = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def read_to_end(bootstrap: str, topic: str) -> list[Any]:
    """All records that the topic holds now, in order within each partition."""
    async with consumer(bootstrap, topic) as reader:
        ends = await reader.end_offsets(reader.assignment())
        found: list[Any] = []
        while [each for each, end in ends.items() if await reader.position(each) < end]:
            for records in (await reader.getmany(timeout_ms=_POLL_MS)).values():
                found += records
        return found
