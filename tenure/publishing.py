"""Publishing events and waiting for what becomes of them.

The subscription service is asked for receipts of exactly these records. Where its address or the secret is not known,
the output topics are read from their ends on instead; what makes neither a lifecycle event nor a dead letter stays
unknown then.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE
from shared.kafka.client import standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.event_files import Message
from tenure.event_results import EventResult, EventResults, PublishedEvent
from tenure.http_answers import NoAnswer
from tenure.receipts import Publication
from tenure.topics import Headers, OutgoingRecord, RecordPlace, check_topics, read_some, send

_POLL_SECONDS: Final = 0.2
_OPEN_PER_SECOND: Final = 10_000
_LONGEST_PAUSE_SECONDS: Final = 2.0


async def publish(
    messages: Sequence[Message], settings: Settings, *, acknowledged: Callable[[int], None], headers: Headers = ()
) -> Sequence[RecordPlace]:
    """Send all in their order; where their records lie. Raises `NotSent` and `Transient`."""
    records = [
        OutgoingRecord(topic=name_of(message.topic, settings), key=message.key, value=message.value, headers=headers)
        for message in messages
    ]
    return await send(records, settings, acknowledged=acknowledged)


class ResultWaiter:
    """Publishes events and waits at most `seconds` for their results. `service`: URL of the subscription service."""

    def __init__(self, settings: Settings, *, service: str | None, seconds: float) -> None:
        self._settings = settings
        self._service = service if settings.auth_secret else None
        self._seconds = seconds
        self._trouble = ""

    async def publish(
        self, messages: Sequence[Message], *, acknowledged: Callable[[int], None]
    ) -> Sequence[EventResult]:
        """The results, one per message. Raises `NotSent` and `Transient`."""
        if self._service:
            return await self._with_receipts(messages, Publication(self._settings, self._service), acknowledged)
        return await self._with_outputs(messages, acknowledged)

    async def _with_receipts(
        self, messages: Sequence[Message], publication: Publication, acknowledged: Callable[[int], None]
    ) -> Sequence[EventResult]:
        places = await publish(messages, self._settings, acknowledged=acknowledged, headers=publication.headers)
        results = EventResults(_published(messages, places), self._settings)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while not results.complete:
                    await asyncio.to_thread(self._ask, publication, results)
                    await asyncio.sleep(_pause(len(results.open)))
        return results.all(self._trouble or f"no word of it within {self._seconds:g} s")

    def _ask(self, publication: Publication, results: EventResults) -> None:
        """Note what has come; a service that does not answer is asked again."""
        try:
            for event, result in publication.results(results.open):
                results.add(event, result)
            self._trouble = ""
        except NoAnswer as trouble:
            self._trouble = str(trouble)

    async def _with_outputs(
        self, messages: Sequence[Message], acknowledged: Callable[[int], None]
    ) -> Sequence[EventResult]:
        outputs = [name_of(topic, self._settings) for topic in (LIFECYCLE, DEAD_LETTERS)]
        await check_topics(outputs, self._settings)
        async with standalone_consumer(self._settings, *outputs) as consumer:
            for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
                consumer.seek(partition, end)
            places = await publish(messages, self._settings, acknowledged=acknowledged)
            results = EventResults(_published(messages, places), self._settings)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    while not results.complete:
                        results.read(await read_some(consumer))
        where = "TENURE_SUBSCRIPTION_URL and TENURE_AUTH_SECRET tell of others too"
        return results.all(f"neither lifecycle event nor dead letter within {self._seconds:g} s; {where}")


def _pause(open_: int) -> float:
    """Seconds until the next question: whoever waits for thousands does not keep the service from deciding them."""
    return min(_POLL_SECONDS * bool(open_) + open_ / _OPEN_PER_SECOND, _LONGEST_PAUSE_SECONDS)


def _published(messages: Sequence[Message], places: Sequence[RecordPlace]) -> Sequence[PublishedEvent]:
    return [
        PublishedEvent(place=place, topic=message.topic, event=message.event)
        for message, place in zip(messages, places, strict=True)
    ]
