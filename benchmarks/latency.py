"""How long one event takes from in to out while nothing else is going on.

From the call that sends it (acknowledged by all replicas) to the first record of its account in the hands of a
`read_committed` reader; one event of a new account after another, at an even pace.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from benchmarks.environment import Place
from benchmarks.events import single
from benchmarks.reading import Reader
from shared.kafka.topics import name_of

_A_SECOND: Final = 20
_WARM_UP: Final = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float
    longest: float
    events: int


async def measure(place: Place, count: int) -> Latency:
    """Sends `count` events, after a few that are not counted. Raises `TimeoutError` where one never comes out."""
    sent: dict[bytes, float] = {}
    came: dict[bytes, float] = {}

    def on_record(record: Any, now: float) -> None:
        if record.key in sent:
            came.setdefault(record.key, now)

    producer = AIOKafkaProducer(bootstrap_servers=place.kafka, acks="all")
    await producer.start()
    try:
        async with Reader(place, on_record).reading():
            await asyncio.sleep(1)
            await _send(producer, place, count + _WARM_UP, sent)
            async with asyncio.timeout(30):
                while len(came) < len(sent):
                    await asyncio.sleep(0.05)
    finally:
        await producer.stop()
    taken = [(came[key] - at) * 1000 for key, at in sent.items()][_WARM_UP:]
    return _latency(taken)


async def _send(producer: AIOKafkaProducer, place: Place, count: int, sent: dict[bytes, float]) -> None:
    settings, began = place.settings, time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / _A_SECOND - time.perf_counter()))
        message = single(number, datetime.now(UTC))
        key = message.account_id.encode()
        sent[key] = time.perf_counter()
        await producer.send(name_of(message.topic, settings), message.value, key=key)


def _latency(taken: list[float]) -> Latency:
    parts = statistics.quantiles(taken, n=100, method="inclusive")
    return Latency(parts[49], parts[98], max(taken), len(taken))
