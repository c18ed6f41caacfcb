"""What a run publishes, read by a `read_committed` consumer during the run, with the times of arrival."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer

from benchmarks.servers import OUTPUTS, Workspace
from shared.kafka.topics import logical, name_of


@dataclass
class Output:
    """The records of each output topic, in order within each partition.

    `first_at`, `last_at`: when the first and the last record arrived, by `time.perf_counter`.
    """

    records: dict[str, list[Any]] = field(default_factory=lambda: {topic: [] for topic in OUTPUTS})
    first_at: float | None = None
    last_at: float = 0.0

    def __len__(self) -> int:
        return sum(map(len, self.records.values()))


@asynccontextmanager
async def reading_output(
    workspace: Workspace, on_record: Callable[[Any, float], None] | None = None
) -> AsyncIterator[Output]:
    """Read all output topics of the workspace while the block runs; `on_record` gets each record and its arrival."""
    settings, output = workspace.settings, Output()
    consumer = AIOKafkaConsumer(
        *(name_of(topic, settings) for topic in OUTPUTS),
        bootstrap_servers=workspace.kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )

    def keep(record: Any, now: float) -> None:
        output.records[logical(record, settings=settings)].append(record)
        if on_record:
            on_record(record, now)

    await consumer.start()
    task = asyncio.ensure_future(_read(consumer, output, keep))
    try:
        yield output
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, output: Output, keep: Callable[[Any, float], None]) -> None:
    while True:
        batches = await consumer.getmany(timeout_ms=100)
        now = time.perf_counter()
        for records in batches.values():
            for record in records:
                keep(record, now)
        if batches:
            output.first_at = output.first_at or now
            output.last_at = now
