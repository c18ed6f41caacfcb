"""How long one event takes from in to out while nothing else is going on.

From the call that sends it (acknowledged by all replicas) until a `read_committed` reader has the first record of its
account. One event of a new account after another, 20 per second.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from benchmarks.output import reading_output
from benchmarks.servers import Workspace
from benchmarks.workload import event_of_new_account
from shared.kafka.topics import name_of

_PER_SECOND: Final = 20
_WARM_UP: Final = 20
"""So many events are sent first and not counted."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds: median, 99th percentile, longest; over so many events."""

    p50: float
    p99: float
    longest: float
    events: int


async def measure_latency(workspace: Workspace, count: int, *, first: int = 0) -> Latency:
    """The latency of `count` events; `first`: number of the first new account. Raises `TimeoutError` when one never
    comes out.
    """
    sent_at: dict[bytes, float] = {}
    arrived_at: dict[bytes, float] = {}

    def on_record(record: Any, now: float) -> None:
        if record.key in sent_at:
            arrived_at.setdefault(record.key, now)

    producer = AIOKafkaProducer(bootstrap_servers=workspace.kafka, acks="all")
    await producer.start()
    try:
        async with reading_output(workspace, on_record):
            await asyncio.sleep(1)
            await _send(producer, workspace, range(first, first + count + _WARM_UP), sent_at)
            async with asyncio.timeout(30):
                while len(arrived_at) < len(sent_at):
                    await asyncio.sleep(0.05)
    finally:
        await producer.stop()
    return _latency([(arrived_at[key] - at) * 1000 for key, at in sent_at.items()][_WARM_UP:])


async def _send(producer: AIOKafkaProducer, workspace: Workspace, numbers: range, sent_at: dict[bytes, float]) -> None:
    settings, began = workspace.settings, time.perf_counter()
    for place, number in enumerate(numbers):
        await asyncio.sleep(max(0.0, began + place / _PER_SECOND - time.perf_counter()))
        message = event_of_new_account(number, datetime.now(UTC))
        key = message.account_id.encode()
        sent_at[key] = time.perf_counter()
        await producer.send(name_of(message.topic, settings), message.value, key=key)


def _latency(milliseconds: list[float]) -> Latency:
    percentiles = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return Latency(percentiles[49], percentiles[98], max(milliseconds), len(milliseconds))
