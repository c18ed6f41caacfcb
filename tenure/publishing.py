"""Publishing events and waiting for what becomes of them.

The outputs are read from their ends before the first event is sent. What makes neither a lifecycle event nor a dead
letter is told by the counters of `/metrics`, once these count it and everything in the log is published; without the
address of the subscription service it stays unknown.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from aiokafka import AIOKafkaConsumer

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE
from shared.kafka.client import standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.event_files import Message
from tenure.event_results import Counts, EventResult, EventResults, PublishedEvent
from tenure.story.metrics import event_outcomes, unpublished
from tenure.topics import OutgoingRecord, RecordPlace, check_topics, read_some, read_to_end, send

_POLL_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 5


async def publish(
    messages: Sequence[Message], settings: Settings, *, acknowledged: Callable[[int], None]
) -> Sequence[RecordPlace]:
    """Send all in their order; where their records lie. Raises `NotSent` and `Transient`."""
    records = [
        OutgoingRecord(topic=name_of(message.topic, settings), key=message.key, value=message.value)
        for message in messages
    ]
    return await send(records, settings, acknowledged=acknowledged)


class ResultWaiter:
    """Publishes events and waits at most `seconds` for their results. `service`: URL of the subscription service."""

    def __init__(self, settings: Settings, *, service: str | None, seconds: float) -> None:
        self._settings = settings
        self._metrics = f"{service.rstrip('/')}/metrics" if service else None
        self._seconds = seconds

    async def publish(
        self, messages: Sequence[Message], *, acknowledged: Callable[[int], None]
    ) -> Sequence[EventResult]:
        """The results, one per message. Raises `NotSent` and `Transient`."""
        outputs = [name_of(topic, self._settings) for topic in (LIFECYCLE, DEAD_LETTERS)]
        await check_topics(outputs, self._settings)
        async with standalone_consumer(self._settings, *outputs) as consumer:
            for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
                consumer.seek(partition, end)
            before = await self._scrape()
            places = await publish(messages, self._settings, acknowledged=acknowledged)
            results = EventResults(_published(messages, places), self._settings)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._follow(consumer, results, event_outcomes(before) if before else None)
        return results.all(self._why_unknown())

    async def _follow(self, consumer: AIOKafkaConsumer, results: EventResults, before: Counts | None) -> None:
        """Read outputs and counters until every event has its result."""
        while not results.complete:
            results.read(await read_some(consumer))
            if before is not None and not results.complete:
                await self._conclude(consumer, results, before)

    async def _conclude(self, consumer: AIOKafkaConsumer, results: EventResults, before: Counts) -> None:
        metrics = await self._scrape()
        after = event_outcomes(metrics)
        if metrics and not unpublished(metrics) and results.counted(before, after):
            results.read(await read_to_end(consumer))
            results.conclude(before, after)
        else:
            await asyncio.sleep(_POLL_SECONDS)

    def _why_unknown(self) -> str:
        known = "" if self._metrics else "; --service tells of events without a lifecycle event too"
        return f"neither lifecycle event nor dead letter within {self._seconds:g} s{known}"

    async def _scrape(self) -> str:
        """The service's metrics; empty where it has no known address, or does not answer."""
        if self._metrics is None or not self._metrics.startswith(("http://", "https://")):
            return ""
        return await asyncio.to_thread(_get, self._metrics)


def _get(url: str) -> str:
    """No proxy is asked, since the service is ours."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=_ANSWER_SECONDS) as answer:
            return str(answer.read().decode())
    except (URLError, TimeoutError, ValueError):
        return ""


def _published(messages: Sequence[Message], places: Sequence[RecordPlace]) -> Sequence[PublishedEvent]:
    return [
        PublishedEvent(place=place, topic=message.topic, event=message.event)
        for message, place in zip(messages, places, strict=True)
    ]
