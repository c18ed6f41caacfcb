"""A neighbour who keeps buying while somebody else does harm: how long each of its purchases waits for its decision."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, PURCHASES
from tests.kit.events import account, purchase
from tests.kit.stack import RunningStack
from tests.kit.topics import consumer

HARMED_PARTITION: Final = 0
"""What harms is sent to this partition of its topic, the neighbour's purchases to all others."""
PARTITIONS: Final = 6


@asynccontextmanager
async def buying(stack: RunningStack) -> AsyncIterator[list[float]]:
    """While the block runs, buy one subscription after the other, each once the one before was published as decided.

    Seconds from the sending of each to the reading of its decision; the last one is complete when the block has ended.
    """
    waited: list[float] = []
    stop = asyncio.Event()
    async with (
        AIOKafkaProducer(bootstrap_servers=stack.ready["kafka"]) as producer,
        consumer(stack.ready["kafka"], LIFECYCLE) as reader,
    ):
        await reader.seek_to_end()
        buying = asyncio.create_task(_buy(producer, reader, waited, stop))
        try:
            yield waited
        finally:
            stop.set()
            await buying


async def _buy(producer: AIOKafkaProducer, reader: object, waited: list[float], stop: asyncio.Event) -> None:
    for number in count():
        who = account().encode()
        partition = HARMED_PARTITION + 1 + number % (PARTITIONS - 1)
        began = time.monotonic()
        value = json.dumps(purchase(who.decode())).encode()
        await producer.send_and_wait(PURCHASES, value, key=who, partition=partition)
        async for record in reader:  # type: ignore[attr-defined]
            if record.key == who:
                break
        waited.append(time.monotonic() - began)
        if stop.is_set():
            return
