"""What became of events that were just published: pure; `publishing` reads the topics and the counters.

A lifecycle event names its cause, and a dead letter where its record lay, so both are certain. An event that makes
neither is told by the service's counters (`tenure_events_total`, `tenure_parked`) from before and after; they count
what others publish meanwhile too, so where they allow two answers, the result says both.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from shared.contracts.lifecycle import LIFECYCLE_EVENTS, OrderRejected
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE
from shared.kafka.record import Record
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.topics import RecordPlace

_REJECTED: Final = next(name for name, contract in LIFECYCLE_EVENTS.items() if contract is OrderRejected)
_PARKED: Final = ("", "parked")
_TOLD: Final = ("topic", "partition", "offset", "reason", "detail")
"""Headers of a dead letter, without their prefix."""

Counts = Counter[tuple[str, str]]
"""(Topic without prefix, outcome) -> number of events; what waits now under ("", "parked")."""


class Result(StrEnum):
    """What became of an event, in words for people."""

    APPLIED = "applied"
    REJECTED = "rejected"
    DEAD_LETTER = "dead letter"
    WAITING = "waiting"
    DUPLICATE = "duplicate"
    APPLIED_OR_DUPLICATE = "applied or duplicate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """`detail`: the code of a rejection, reason and detail of a dead letter, what an event waits for; may be empty."""

    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """An event that the broker has. `place`: where its record lies; `topic`: without prefix."""

    place: RecordPlace
    topic: str
    event: Any

    @property
    def cause(self) -> tuple[object, ...]:
        """Type, id and subject: what a lifecycle event says about its cause."""
        fields = self.event if isinstance(self.event, dict) else {}
        return tuple(json.dumps(fields.get(name)) for name in ("type", "id", "subject"))


class EventResults:
    """The results of these events, filled in record by record."""

    def __init__(self, events: Sequence[PublishedEvent], settings: Settings) -> None:
        self._events = events
        self._found: dict[int, EventResult] = {}
        self._places = {event.place: number for number, event in enumerate(events)}
        self._causes = _by_cause(events)
        self._lifecycle = name_of(LIFECYCLE, settings)
        self._dead_letters = name_of(DEAD_LETTERS, settings)

    @property
    def complete(self) -> bool:
        return len(self._found) == len(self._events)

    def read(self, records: Iterable[Record]) -> None:
        """Note what records of the output topics say about these events."""
        for record in records:
            if record.topic == self._lifecycle:
                self._read_lifecycle(json.loads(record.value or b"{}"))
            elif record.topic == self._dead_letters:
                self._read_dead_letter({name: value or b"" for name, value in record.headers})

    def conclude(self, before: Counts, after: Counts) -> None:
        """Fill in, from the counters, what no record told. All outputs must have been read."""
        grown = Counter(after)
        grown.subtract(before)
        for topic in sorted({event.topic for _, event in self._open()}):
            self._conclude_topic(topic, grown)

    def all(self, why_unknown: str) -> Sequence[EventResult]:
        """One per event, in their order; `UNKNOWN` with this detail where nothing was found in time."""
        unknown = EventResult(result=Result.UNKNOWN, detail=why_unknown)
        return [self._found.get(number, unknown) for number in range(len(self._events))]

    def counted(self, before: Counts, after: Counts) -> bool:
        """Whether the counters have grown by at least these events."""
        sent = Counter(event.topic for event in self._events)
        ended = Counter[str]()
        for (topic, _), number in after.items():
            ended[topic] += number
        for (topic, _), number in before.items():
            ended[topic] -= number
        missing = sum(max(0, count - ended[topic]) for topic, count in sent.items())
        return missing <= max(0, ended[""])

    def _read_lifecycle(self, event: Mapping[str, Any]) -> None:
        data = event["data"]
        cause = tuple(json.dumps(field) for field in (data["cause"]["type"], data["cause"]["id"], event["subject"]))
        for number in self._causes.get(cause, ()):
            if event["type"] == _REJECTED:
                self._found[number] = EventResult(result=Result.REJECTED, detail=data["code"])
            else:
                self._found.setdefault(number, EventResult(result=Result.APPLIED))

    def _read_dead_letter(self, headers: Mapping[str, bytes]) -> None:
        told = {name: headers.get(f"dead-letter-{name}", b"").decode(errors="replace") for name in _TOLD}
        if told["partition"].isdigit() and told["offset"].isdigit():
            place = RecordPlace(told["topic"], int(told["partition"]), int(told["offset"]))
            if place in self._places:
                detail = f"{told['reason']}: {told['detail']}"
                self._found[self._places[place]] = EventResult(result=Result.DEAD_LETTER, detail=detail)

    def _open(self) -> Iterator[tuple[int, PublishedEvent]]:
        return ((number, event) for number, event in enumerate(self._events) if number not in self._found)

    def _conclude_topic(self, topic: str, grown: Counts) -> None:
        """Records tell of rejections and dead letters: what is open was applied, is a duplicate, or waits."""
        numbers = [number for number, event in self._open() if event.topic == topic]
        applied = grown[topic, "applied"] - self._told_as_applied(topic)
        duplicates = grown[topic, "duplicate"]
        if applied + duplicates < len(numbers) and grown[_PARKED] > 0:
            result = EventResult(result=Result.WAITING, detail="for a purchase of this account (R40)")
        elif duplicates <= 0:
            result = EventResult(result=Result.APPLIED)
        else:
            result = EventResult(result=Result.DUPLICATE if applied <= 0 else Result.APPLIED_OR_DUPLICATE)
        self._found.update(dict.fromkeys(numbers, result))

    def _told_as_applied(self, topic: str) -> int:
        """How many events of the topic a lifecycle event has told of."""
        found = [self._events[number] for number, each in self._found.items() if each.result is Result.APPLIED]
        return sum(event.topic == topic for event in found)


def _by_cause(events: Sequence[PublishedEvent]) -> Mapping[tuple[object, ...], Sequence[int]]:
    found: dict[tuple[object, ...], list[int]] = {}
    for number, event in enumerate(events):
        found.setdefault(event.cause, []).append(number)
    return found
