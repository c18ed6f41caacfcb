"""From Kafka into the model: all partitions of all topics, in no consumer group, only what is committed.

One consumer reads, one admin client asks every two seconds where the topics end and how far the services are. Whatever
fails ends both, and they are made anew: so a client that has fallen silent is replaced, and the page goes on by itself.
Topics and partitions that come later are read from then on.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.kafka.client import admin_client, standalone_consumer
from shared.kafka.consumer import CleanConsumer
from shared.kafka.errors import classified
from shared.runtime.errors import Transient
from shared.runtime.retry import backoff_delays
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from shared.runtime.waits import WaitLog
from tenure.ops.broker import committed, existing, lags, partition_of, place_of, topics_read
from tenure.ops.log_lines import CAUGHT_UP, NUMBERS_BEGUN_ANEW
from tenure.ops.model import KEPT_TOPICS, Model, Place
from tenure.ops.status import COMPONENT, Status

MAX_RECORDS: Final = 1_000
"""Folded at once, before others of the process have their turn."""
FETCH_BYTES: Final = 8 * 1024 * 1024
_PARTITION_FETCH_BYTES: Final = 1024 * 1024
"""What one answer of the broker may hold, so that catching up needs no more memory than following."""
_POLL_MS: Final = 200
_MEASURE_SECONDS: Final = 2.0
_MEASURE_WITHIN_SECONDS: Final = 10.0
_STILL_SECONDS: Final = 30.0


class Reader:
    """Fills a model; `renew` makes an empty one where the topics are not those that it was filled from."""

    def __init__(
        self,
        settings: Settings,
        status: Status,
        *,
        model: Model,
        renew: Callable[[], Model],
        now: Callable[[], datetime],
    ) -> None:
        self.model = model
        self._settings = settings
        self._status = status
        self._renew = renew
        self._now = now
        self._assigned: set[Place] = set()
        self._begins: Mapping[Place, int] = {}
        self._assigning = asyncio.Lock()
        self._moved_at = time.monotonic()
        self._waits = WaitLog()

    async def run(self) -> None:
        """Read without end. Raises `Alarm`."""
        delays = backoff_delays()
        while True:
            try:
                await self._read()
            except Transient as away:
                if self._status.trouble is None:
                    delays = backoff_delays()
                self._status.lose(str(away), self._now())
                self._waits.waits(COMPONENT, str(away))
                await asyncio.sleep(next(delays))

    async def _read(self) -> None:
        """Until the broker does not answer. Raises `Transient`, `Alarm`."""
        self._assigned, self._moved_at = set(), time.monotonic()
        reading = standalone_consumer(
            self._settings, fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=_PARTITION_FETCH_BYTES
        )
        async with admin_client(self._settings) as admin, reading as consumer:
            await run_until_one_ends(partial(self._fold, consumer), partial(self._watch, consumer, admin))

    async def _fold(self, consumer: CleanConsumer) -> None:
        while True:
            if not self._assigned:
                await asyncio.sleep(_POLL_MS / 1000)
                continue
            async with self._assigning:
                with classified():
                    found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=MAX_RECORDS)
                now_ms = int(self._now().timestamp() * 1000)
                for tp, records in found.items():
                    topic, _ = place_of(tp, self._settings)
                    for record in records:
                        self.model.apply(topic, record, now_ms)
            self._moved_at = time.monotonic() if found else self._moved_at
            await asyncio.sleep(0)

    async def _watch(self, consumer: CleanConsumer, admin: AIOKafkaAdminClient) -> None:
        while True:
            try:
                async with asyncio.timeout(_MEASURE_WITHIN_SECONDS):
                    with classified():
                        await self._measure(consumer, admin)
            except TimeoutError:
                raise Transient("Kafka does not answer") from None
            await asyncio.sleep(_MEASURE_SECONDS)

    async def _measure(self, consumer: CleanConsumer, admin: AIOKafkaAdminClient) -> None:
        there = await existing(admin, self._settings)
        partitions = {place: partition_of(place, self._settings) for place in there}
        ends = await consumer.end_offsets(list(partitions.values())) if partitions else {}
        places = {place: ends[tp] for place, tp in partitions.items()}
        if there != self._assigned and there:
            await self._assign(consumer, places)
        applied = await committed(admin, self._settings)
        self._status.lags = None if applied is None else lags(places, self._begins, applied)
        self._status.missing = sorted(set(topics_read(self._settings)) - {topic for topic, _ in there})
        await self._tell(consumer, ends)

    async def _assign(self, consumer: CleanConsumer, ends: Mapping[Place, int]) -> None:
        """Read these partitions, each from where the model stands."""
        async with self._assigning:
            partitions = [partition_of(place, self._settings) for place in ends]
            begins = await consumer.beginning_offsets(partitions)
            self._begins = {place_of(tp, self._settings): begin for tp, begin in begins.items()}
            if any(offset > ends.get(place, 0) for place, offset in self.model.positions.items()):
                NUMBERS_BEGUN_ANEW.say(reason="the topics hold less than was read before")
                self.model, self._status.caught_up, self._status.to_read = self._renew(), False, 0
            consumer.assign(partitions)
            for tp in partitions:
                consumer.seek(tp, self._start(place_of(tp, self._settings), begins[tp], ends))
            self._assigned = set(ends)

    def _start(self, place: Place, begin: int, ends: Mapping[Place, int]) -> int:
        """Where to read on; what is only watched is read from now on."""
        known = self.model.positions.get(place)
        if known is None:
            return begin if place[0] in KEPT_TOPICS else ends[place]
        return max(known, begin)

    async def _tell(self, consumer: CleanConsumer, ends: Mapping[TopicPartition, int]) -> None:
        """Keep how much is not read yet. Raises `Transient` where nothing has come for long though there is more."""
        kept = [tp for tp in ends if place_of(tp, self._settings)[0] in KEPT_TOPICS and tp in consumer.assignment()]
        behind = sum([max(0, ends[tp] - await consumer.position(tp)) for tp in kept])
        before = self._status.caught_up
        to_read = sum(ends[tp] - self._begins.get(place_of(tp, self._settings), 0) for tp in kept)
        self._status.hear(self._now(), behind=behind, to_read=to_read)
        self._waits.goes_on(COMPONENT)
        if self._status.caught_up and not before:
            CAUGHT_UP.say(accounts=len(self.model.accounts))
        if behind and time.monotonic() - self._moved_at > _STILL_SECONDS:
            raise Transient("the consumer has been silent, and is replaced")
