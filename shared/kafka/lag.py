"""The lag of this copy: measured for `/ready` and the metrics; positions are committed to Kafka for its own displays.

It tells which partition holds records and does not move, and why, and replaces a consumer that has fallen silent:
aiokafka's consumers can do so after timeouts (#1037), and then nothing is raised. One with which nothing can be
measured is replaced too: its client may hang, or know only addresses that the brokers do not have any more.
"""

import asyncio
import time
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka.added_partitions import AddedPartitions
from shared.kafka.batch_applier import BatchApplier
from shared.kafka.reader import Reader
from shared.kafka.record import Offsets
from shared.runtime.health import Health
from shared.runtime.log_lines import CONSUMER_REPLACED, DISPLAYS_BEHIND
from shared.runtime.retry import retry_transient

STILL_SECONDS: Final = 15.0
"""A partition that holds records and has not moved for so long makes `/ready` false."""
_INTERVAL_SECONDS: Final = 2.0
_JOINING_INTERVAL_SECONDS: Final = 0.2
_TIMEOUT_SECONDS: Final = 10
_COMMIT_SECONDS: Final = 3
_SILENT_SECONDS: Final = 45.0


class _Ends(NamedTuple):
    """Of one partition: where what can be read ends, and where the records end.

    Between the two an open transaction holds records back.
    """

    stable: int
    high: int


class _Stalled(NamedTuple):
    """A partition with more records than were applied: where it stands, and since when (monotonic seconds).

    `readable`: whether more can be read now.
    """

    offset: int
    since: float
    readable: bool


class LagMonitor:
    """Watches one reader and its applier.

    A consumer that returns nothing of a partition for `silent_seconds`, although it could, is replaced, and so is one
    with which nothing could be measured for so long.
    """

    def __init__(
        self, reader: Reader, applier: BatchApplier, health: Health, *, silent_seconds: float = _SILENT_SECONDS
    ) -> None:
        self._reader = reader
        self._applier = applier
        self._health = health
        self._silent_seconds = silent_seconds
        self._added = AddedPartitions(reader)
        self._committed: dict[TopicPartition, int] = {}
        self._stalled: dict[TopicPartition, _Stalled] = {}
        self._measured_at = time.monotonic()
        """When measuring last succeeded, or the consumer was replaced; monotonic seconds."""
        self._busy_at = float("-inf")
        """When records that were returned were last seen waiting or being applied; monotonic seconds."""

    async def run(self) -> None:
        """Measure every 2 s, without end. A broker that is away is noticed here first while nothing is published."""
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS if self._reader.joined else _JOINING_INTERVAL_SECONDS)
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await self.measure()
                    await self._added.look()
                self._measured_at = time.monotonic()
            except TimeoutError:
                await self._mark_away("Kafka does not answer")
            except (KafkaError, OSError) as error:
                await self._mark_away(f"Kafka: {error!r}")
            except Exception as error:  # noqa: BLE001  whatever fails here, Kafka cannot be read
                await self._mark_away(f"Kafka: {type(error).__name__}")
            else:
                self._mark_measured()
                await self._rebuild_if_silent()

    async def measure(self) -> int:
        """Records that this copy has not yet applied, in all its partitions. Raises aiokafka's errors."""
        consumer = self._reader.consumer
        assigned = sorted(consumer.assignment()) if consumer else []
        if not assigned:
            await consumer.topics()
            self._health.lag = {}
            self._stalled = {}
            return 0
        ends = await consumer.end_offsets(assigned)
        left = consumer.assignment()  # a rebalance may have begun meanwhile
        found = {tp: _Ends(end, max(end, consumer.highwater(tp) or 0)) for tp, end in ends.items() if tp in left}
        applied = {tp: offset for tp, offset in self._reader.positions.next_offsets.items() if tp in found}
        lags = {tp: max(0, found[tp].high - offset) for tp, offset in applied.items()}
        self._health.lag = {self._reader.positions.partition_of(tp): lag for tp, lag in lags.items()}
        self._watch(applied, found)
        await self._commit_to_kafka(applied)
        return sum(lags.values())

    def _watch(self, applied: Offsets, ends: dict[TopicPartition, _Ends]) -> None:
        """Keep since when each partition stands that holds more than was applied."""
        now = time.monotonic()
        if self._is_busy:
            self._busy_at = now
        before, self._stalled = self._stalled, {}
        for tp, offset in applied.items():
            if offset < ends[tp].high:
                known = before.get(tp)
                since = known.since if known and known.offset == offset else now
                self._stalled[tp] = _Stalled(offset, since, offset < ends[tp].stable)

    def _why_stalled(self, tp: TopicPartition, stalled: _Stalled) -> str:
        """In a sentence with topic, partition and offset."""
        if standstill := self._reader.consumer.standstills().get(tp):
            return str(standstill)
        if not stalled.readable:
            return f"{tp.topic}-{tp.partition}: an open transaction holds back the records from {stalled.offset} on"
        return f"{tp.topic}-{tp.partition} holds records from offset {stalled.offset} on and does not move"

    async def _commit_to_kafka(self, applied: Offsets) -> None:
        """Only for Kafka's own lag displays: this copy never reads them, and what is measured counts without them."""
        moved = {tp: offset for tp, offset in applied.items() if self._committed.get(tp) != offset}
        if moved:
            try:
                async with asyncio.timeout(_COMMIT_SECONDS):
                    await self._reader.consumer.commit(moved)
            except Exception as error:  # noqa: BLE001
                DISPLAYS_BEHIND.say(because=type(error).__name__)
            else:
                self._committed.update(moved)

    @property
    def _is_busy(self) -> bool:
        return self._reader.is_busy or self._applier.is_busy

    def _mark_measured(self) -> None:
        if not self._reader.joined:
            return
        if trouble := self._reader.consumer.trouble:
            self._mark_not_consuming(trouble)
        elif not self._is_busy:
            self._health.mark_ready("consuming")
        still = time.monotonic() - STILL_SECONDS
        stuck = [self._why_stalled(tp, stalled) for tp, stalled in self._stalled.items() if stalled.since < still]
        if reasons := [*self._added.reasons, *stuck]:
            self._health.mark_unready("lag", "; ".join(reasons))
        else:
            self._health.mark_ready("lag")

    def _mark_not_consuming(self, reason: str) -> None:
        self._health.mark_unready("consuming", reason)

    async def _mark_away(self, reason: str) -> None:
        """Nothing can be measured; after a while by another consumer."""
        self._mark_not_consuming(reason)
        self._health.mark_unready("lag", f"not known: {reason}", in_log="")
        if time.monotonic() - self._measured_at > self._silent_seconds:
            await self._rebuild(places="all")

    async def _rebuild_if_silent(self) -> None:
        if silent := [tp for tp, stalled in self._stalled.items() if self._is_silent(tp, stalled)]:
            await self._rebuild(places=", ".join(f"{tp.topic}-{tp.partition}" for tp in silent))

    async def _rebuild(self, *, places: str) -> None:
        CONSUMER_REPLACED.say(places=places)
        await retry_transient(self._reader.rebuild, health=self._health, component="consuming")
        self._stalled = {}
        self._measured_at = time.monotonic()

    def _is_silent(self, tp: TopicPartition, stalled: _Stalled) -> bool:
        """Whether it could return records and does not: not while what it has returned waits, as for the database."""
        long_enough = time.monotonic() - max(stalled.since, self._busy_at) > self._silent_seconds
        return long_enough and stalled.readable and bool(self._reader.consumer.could_return_more(tp, stalled.offset))
