"""How long one event takes from in to out: while nothing else is going on, and at half load.

From the call that sends it (acknowledged by all replicas) until a `read_committed` reader has what follows from it.
Idle: the first record of its account; one event of a new account after another, 20 per second. At half load: the
lifecycle event that answers it; mixed events, half as many per second as the process has just drained. Events of
servers are a part of that load only, since no lifecycle event answers them.
"""

import asyncio
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer

from benchmarks.output import reading_output
from benchmarks.servers import Workspace
from benchmarks.workload import Message, event_of_new_account
from shared.contracts.topics import LIFECYCLE
from shared.kafka.topics import logical, name_of

_PER_SECOND: Final = 20
WARM_UP: Final = 20
"""So many events are sent first and not counted."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds: median, 99th percentile, longest; over so many events."""

    p50: float
    p99: float
    longest: float
    events: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """Of at least two events."""
        percentiles = [each * 1000 for each in statistics.quantiles(seconds, n=100, method="inclusive")]
        return cls(percentiles[49], percentiles[98], max(seconds) * 1000, len(seconds))


async def measure_latency(workspace: Workspace, count: int, *, first: int = 0) -> Latency:
    """The latency of `count` events of an idle service; `first`: number of the first new account. Raises `TimeoutError`
    when one never comes out.
    """
    arrived_at: dict[bytes, float] = {}

    def on_record(record: Any, now: float) -> None:
        arrived_at.setdefault(record.key, now)

    now = datetime.now(UTC)
    messages = [event_of_new_account(number, now) for number in range(first, first + count + WARM_UP)]
    keys = {message.id: message.account_id.encode() for message in messages}
    async with reading_output(workspace, on_record):
        await asyncio.sleep(1)
        sent_at = await send_paced(workspace, messages, per_second=_PER_SECOND)
        async with asyncio.timeout(30):
            while not arrived_at.keys() >= set(keys.values()):
                await asyncio.sleep(0.05)
    return Latency.of([arrived_at[keys[event]] - at for event, at in sent_at.items()][WARM_UP:])


async def send_paced(workspace: Workspace, messages: Iterable[Message], *, per_second: float) -> Mapping[str, float]:
    """Send at this rate; event id -> when, by `time.perf_counter`."""
    producer = AIOKafkaProducer(bootstrap_servers=workspace.kafka, acks="all")
    await producer.start()
    try:
        return await _send(producer, workspace, messages, per_second)
    finally:
        await producer.stop()


class Answers:
    """Lifecycle events and when each arrived."""

    def __init__(self, workspace: Workspace) -> None:
        self._settings = workspace.settings
        self._arrived: list[tuple[bytes, float]] = []

    def on_record(self, record: Any, now: float) -> None:
        """For `reading_output`."""
        if logical(record, settings=self._settings) == LIFECYCLE:
            self._arrived.append((record.value, now))

    def latency(self, sent_at: Mapping[str, float]) -> Latency:
        """Of those of these events that were answered; `sent_at`: event id -> when."""
        began = min(sent_at.values())
        answered = {orjson.loads(value)["data"]["cause"]["id"]: now for value, now in self._arrived if now > began}
        return Latency.of([now - sent_at[event] for event, now in answered.items() if event in sent_at])


async def _send(
    producer: AIOKafkaProducer, workspace: Workspace, messages: Iterable[Message], per_second: float
) -> Mapping[str, float]:
    settings, began = workspace.settings, time.perf_counter()
    sent_at: dict[str, float] = {}
    for place, message in enumerate(messages):
        if (early := began + place / per_second - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        sent_at[message.id] = time.perf_counter()
        await producer.send(name_of(message.topic, settings), message.value, key=message.account_id.encode())
    return sent_at
