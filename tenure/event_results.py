"""What became of events that were just published: pure; `publishing` reads the topics, `receipts` asks the service.

Receipts tell of every event. Where nobody can be asked, a lifecycle event names its cause, and a dead letter where its
record lay; of an event that makes neither nothing is known then.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
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
_TOLD: Final = ("topic", "partition", "offset", "reason", "detail")
"""Headers of a dead letter, without their prefix."""


class Result(StrEnum):
    """What became of an event, in words for people."""

    APPLIED = "applied"
    REJECTED = "rejected"
    DEAD_LETTER = "dead letter"
    WAITING = "waiting"
    DUPLICATE = "duplicate"
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

    def add(self, event: PublishedEvent, result: EventResult) -> None:
        """Note what a receipt says."""
        self._found[self._places[event.place]] = result

    @property
    def open(self) -> Sequence[PublishedEvent]:
        """Those that have no result yet."""
        return [event for number, event in enumerate(self._events) if number not in self._found]

    def all(self, why_unknown: str) -> Sequence[EventResult]:
        """One per event, in their order; `UNKNOWN` with this detail where nothing was found in time."""
        unknown = EventResult(result=Result.UNKNOWN, detail=why_unknown)
        return [self._found.get(number, unknown) for number in range(len(self._events))]

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


def _by_cause(events: Sequence[PublishedEvent]) -> Mapping[tuple[object, ...], Sequence[int]]:
    found: dict[tuple[object, ...], list[int]] = {}
    for number, event in enumerate(events):
        found.setdefault(event.cause, []).append(number)
    return found
