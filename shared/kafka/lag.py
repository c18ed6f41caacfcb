"""The lag of this copy: measured for `/ready` and the metrics; positions are committed to Kafka for its own displays.

It also replaces a consumer that has fallen silent: aiokafka's consumers can do so after timeouts (#1037), and then the
partition's end moves, the consumer's position does not, and nothing is raised.
"""

import asyncio
import logging
import time
from typing import Final

from aiokafka import TopicPartition

from shared.kafka.batch_applier import BatchApplier
from shared.kafka.reader import Reader
from shared.runtime.health import Health

_INTERVAL_SECONDS: Final = 2.0
_JOINING_INTERVAL_SECONDS: Final = 0.2
_TIMEOUT_SECONDS: Final = 10
_SILENT_SECONDS: Final = 45.0

logger = logging.getLogger(__name__)


class LagMonitor:
    """Watches one reader and its applier. A consumer with a lag that does not move for `silent_seconds` is silent."""

    def __init__(
        self, reader: Reader, applier: BatchApplier, health: Health, *, silent_seconds: float = _SILENT_SECONDS
    ) -> None:
        self._reader = reader
        self._applier = applier
        self._health = health
        self._silent_seconds = silent_seconds
        self._committed: dict[TopicPartition, int] = {}
        self._moving_at = time.monotonic()
        """When the consumer was last seen to move, or to have nothing to read."""

    async def run(self) -> None:
        """Measure every 2 s, without end. A broker that is away is noticed here first while nothing is published."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS if self._reader.joined else _JOINING_INTERVAL_SECONDS)
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    lag = await self.measure()
            except TimeoutError:
                self._mark_away("Kafka does not answer")
            except Exception as error:  # noqa: BLE001  whatever fails here, Kafka cannot be read
                self._mark_away(f"Kafka: {error!r}")
            else:
                self._mark_measured()
                await self._rebuild_if_silent(lag)

    async def measure(self) -> int:
        """Records that this copy has not yet applied, in all its partitions. Raises aiokafka's errors."""
        consumer = self._reader.consumer
        assigned = sorted(consumer.assignment()) if consumer else []
        if not assigned:
            await consumer.topics()
            self._health.lag = {}
            return 0
        ends = await consumer.end_offsets(assigned)
        applied = {tp: offset for tp, offset in self._reader.positions.next_offsets.items() if tp in assigned}
        # A transaction marker at the end of a partition is no record; once idle, the consumer's position is after it.
        read = applied if self._is_busy else {tp: await consumer.position(tp) for tp in applied}
        lags = {self._reader.positions.partition_of(tp): max(0, ends[tp] - read[tp]) for tp in applied}
        self._health.lag = lags
        await self._commit_to_kafka(applied)
        return sum(lags.values())

    async def _commit_to_kafka(self, applied: dict[TopicPartition, int]) -> None:
        """Only for Kafka's own lag displays: this copy never reads them."""
        moved = {tp: offset for tp, offset in applied.items() if self._committed.get(tp) != offset}
        if moved:
            await self._reader.consumer.commit(moved)
            self._committed.update(moved)

    @property
    def _is_busy(self) -> bool:
        return self._reader.is_busy or self._applier.is_busy

    def _mark_measured(self) -> None:
        if self._reader.joined:
            self._health.mark_ready("lag")
            if not self._is_busy:
                self._health.mark_ready("consuming")

    def _mark_away(self, reason: str) -> None:
        if self._health.unready.get("consuming") != reason:
            logger.warning("consuming waits: %s", reason)
        self._health.mark_unready("consuming", reason)
        self._health.mark_unready("lag", f"not known: {reason}")

    async def _rebuild_if_silent(self, lag: int) -> None:
        now = time.monotonic()
        if not lag or self._is_busy:
            self._moving_at = now
        self._moving_at = max(self._moving_at, self._applier.committed_at)
        if now - self._moving_at > self._silent_seconds:
            logger.warning("the consumer is silent with %d records to read: replacing it", lag)
            await self._reader.rebuild()
            self._moving_at = time.monotonic()
