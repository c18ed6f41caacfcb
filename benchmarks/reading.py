"""A `read_committed` reader beside a run: it says when the last record could be seen, and keeps all for the audit."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer

from benchmarks.environment import OUTPUTS, Place
from shared.kafka.topics import logical, name_of


@dataclass
class Seen:
    """Records by logical topic, in the order of each partition, with the instants (`perf_counter`) of their arrival."""

    records: dict[str, list[Any]] = field(default_factory=lambda: {topic: [] for topic in OUTPUTS})
    first_at: float | None = None
    last_at: float = 0.0

    def __len__(self) -> int:
        return sum(map(len, self.records.values()))


class Reader:
    """Reads all output topics of a place until told to stop."""

    def __init__(self, place: Place, on_record: Callable[[Any, float], None] | None = None) -> None:
        self._settings = place.settings
        self._on_record = on_record
        self._consumer = AIOKafkaConsumer(
            *(name_of(topic, self._settings) for topic in OUTPUTS),
            bootstrap_servers=place.kafka,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=100,
        )
        self.seen = Seen()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Seen]:
        """Reads while the block runs."""
        await self._consumer.start()
        task = asyncio.ensure_future(self._read())
        try:
            yield self.seen
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._consumer.stop()

    async def _read(self) -> None:
        while True:
            polled = await self._consumer.getmany(timeout_ms=100)
            now = time.perf_counter()
            for record in _flat(polled):
                self.seen.records[logical(record, settings=self._settings)].append(record)
                if self._on_record:
                    self._on_record(record, now)
            if polled:
                self.seen.first_at = self.seen.first_at or now
                self.seen.last_at = now


def _flat(polled: dict[Any, list[Any]]) -> Iterator[Any]:
    for records in polled.values():
        yield from records
