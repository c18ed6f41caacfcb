"""Reading a topic as its consumers may: only what is committed, from the first record to the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer

from shared.kafka.record import Record
from tenure.topics import read_to_end


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


async def read_topic(bootstrap: str, topic: str) -> list[Record]:
    """All records that the topic holds now, in order within each partition."""
    async with consumer(bootstrap, topic) as reader:
        return await read_to_end(reader)
