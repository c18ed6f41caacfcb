"""Publishing very many events over a while, and what became of each.

Only what was not simply applied gets a receipt; of all others the stored positions tell that they were decided. So
it costs the service next to nothing that somebody wants to know.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.batch_sending import BatchSender, batch_sender
from tenure.event_results import EventResult, Result
from tenure.http_answers import NoAnswer
from tenure.receipts import PartitionResults, Publication
from tenure.topics import OutgoingRecord, RecordPlace, check_topics

_SHORTEST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 2.0
_PAUSE_FACTOR: Final = 5
"""A question pauses so many times as long as it took: who waits for thousands does not keep the service from deciding
them."""
_APPLIED: Final = EventResult(result=Result.APPLIED)


class StreamedEvent(NamedTuple):
    """One event as bytes. `topic`: without prefix; `key`: of its record."""

    topic: str
    key: bytes
    value: bytes


class EventStream:
    """Publishes events and waits for their results, at most `seconds` for those of one call, while `keep_asking` runs.

    `publication`: has no receipts of what was applied.
    """

    def __init__(self, settings: Settings, sender: BatchSender, publication: Publication, *, seconds: float) -> None:
        self._settings = settings
        self._sender = sender
        self._publication = publication
        self._seconds = seconds
        self._waits: list[_Wait] = []
        self._found: dict[RecordPlace, EventResult] = {}
        self._trouble = ""

    async def publish(self, events: Sequence[StreamedEvent]) -> Sequence[EventResult]:
        """The results, one per event. May be called several times at once. Raises `NotSent`."""
        places = await self._sender.send([self._record(event) for event in events])
        wait = _Wait([place._replace(topic=event.topic) for event, place in zip(events, places, strict=True)])
        self._waits.append(wait)
        with suppress(TimeoutError):
            await asyncio.wait_for(wait.over.wait(), self._seconds)
        self._waits.remove(wait)
        return [self._result(place, wait) for place in wait.places]

    async def keep_asking(self) -> None:
        """Without end: ask what became of everything that is open. A service that does not answer is asked again."""
        while True:
            begun = time.monotonic()
            try:
                await self._ask()
                self._trouble = ""
            except NoAnswer as trouble:
                self._trouble = str(trouble)
            taken = time.monotonic() - begun
            await asyncio.sleep(min(max(_SHORTEST_PAUSE_SECONDS, _PAUSE_FACTOR * taken), _LONGEST_PAUSE_SECONDS))

    async def _ask(self) -> None:
        for partition in sorted({each for wait in self._waits for each in wait.open}):
            self._note(partition, await asyncio.to_thread(self._publication.of_partition, *partition))

    def _record(self, event: StreamedEvent) -> OutgoingRecord:
        topic = name_of(event.topic, self._settings)
        return OutgoingRecord(topic=topic, key=event.key, value=event.value, headers=self._publication.headers)

    def _note(self, partition: tuple[str, int], answer: PartitionResults) -> None:
        self._found.update({RecordPlace(*partition, offset): result for offset, result in answer.found.items()})
        for wait in self._waits:
            wait.note(partition, answer)

    def _result(self, place: RecordPlace, wait: "_Wait") -> EventResult:
        found = self._found.pop(place, None)
        if found is None and (place.topic, place.partition) in wait.open:
            why = self._trouble or f"no word of it within {self._seconds:g} s"
            return EventResult(result=Result.UNKNOWN, detail=why)
        return found or _APPLIED


@asynccontextmanager
async def event_stream(
    settings: Settings, service: str, *, seconds: float, topics: Sequence[str]
) -> AsyncIterator[EventStream]:
    """A stream for as long as the block runs. `service`: URL of the subscription service; `topics`: those that it may
    publish to. Raises `NotSent` and `Transient`.
    """
    await check_topics([name_of(topic, settings) for topic in topics], settings)
    publication = Publication(settings, service, unless="applied")
    async with batch_sender(settings) as sender:
        yield EventStream(settings, sender, publication, seconds=seconds)


class _Wait:
    """Whoever waits until the records at these places are decided. `open`: (topic, partition) -> offsets of those that
    are not.
    """

    def __init__(self, places: Sequence[RecordPlace]) -> None:
        self.places = places
        self.over = asyncio.Event()
        self.open: dict[tuple[str, int], set[int]] = {}
        for topic, partition, offset in places:
            self.open.setdefault((topic, partition), set()).add(offset)

    def note(self, partition: tuple[str, int], answer: PartitionResults) -> None:
        offsets = self.open.get(partition)
        if offsets and max(offsets) < answer.next_offset and offsets.isdisjoint(answer.open):
            del self.open[partition]
        if not self.open:
            self.over.set()
