"""Sending what `import_plan` has made, in an order in which no customer is told anything, and what became of it.

1. The inventory, so that an import states what exceeds its quota already, and nothing is announced (R44).
2. The imports.
3. Of those that were taken: balances, and the inventory of partial protection, whose bindings count from now on (R36).

Each step waits for the results of the one before; a run that was interrupted is simply run again.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from shared.contracts.topics import STATE, TOPIC_OF_TYPE
from shared.kafka.client import standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.event_files import Message
from tenure.event_results import EventResult, Result
from tenure.import_plan import Move
from tenure.publishing import ResultWaiter
from tenure.topics import read_some

CHUNK: Final = 20_000
"""So many subscriptions are under way at once."""


class Outcome(StrEnum):
    """What became of a subscription."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    REFUSED = "refused"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Reported(NamedTuple):
    """One line of the report. `why`: the code of a refusal, or reason and detail of a dead letter; may be empty."""

    move: Move
    outcome: Outcome
    why: str


@dataclass(slots=True)
class Report:
    """What became of all of them, in their order."""

    lines: list[Reported] = field(default_factory=list)

    @property
    def counts(self) -> Mapping[Outcome, int]:
        return Counter(line.outcome for line in self.lines)

    @property
    def troubles(self) -> Sequence[Reported]:
        """Those that were not taken, and those of which a part was not applied."""
        good = {Outcome.TAKEN, Outcome.TAKEN_BEFORE}
        return [line for line in self.lines if line.outcome not in good or line.why]


class ImportSender:
    """Sends plans. `waiter`: publishes events and waits for their results."""

    def __init__(self, settings: Settings, waiter: ResultWaiter) -> None:
        self._settings = settings
        self._waiter = waiter
        self._subscriptions: Mapping[str, str] | None = None

    def send(self, moves: Sequence[Move], *, done: Callable[[int], None]) -> Report:
        """Send everything; `done` is called with the number of subscriptions so far.

        Raises `NotSent` and `Transient`.
        """
        report = Report()
        for start in range(0, len(moves), CHUNK):
            report.lines += self._chunk(moves[start : start + CHUNK])
            done(len(report.lines))
        return report

    def _chunk(self, moves: Sequence[Move]) -> list[Reported]:
        before = self._publish([(move, move.inventory) for move in moves if not move.partial])
        results = self._publish([(move, move.imported) for move in moves])
        lines = [self._reported(move, results[move]) for move in moves]
        taken = [line.move for line in lines if line.outcome in (Outcome.TAKEN, Outcome.TAKEN_BEFORE)]
        after = self._publish([(move, move.credit) for move in taken])
        bound = self._publish([(move, move.inventory) for move in taken if move.partial])
        return [_with_troubles(line, [each.get(line.move) for each in (before, after, bound)]) for line in lines]

    def _publish(self, events: Sequence[tuple[Move, bytes | None]]) -> Mapping[Move, EventResult]:
        there = [(move, value) for move, value in events if value is not None]
        if not there:
            return {}
        messages = [_message(move, value) for move, value in there]
        results = asyncio.run(self._waiter.publish(messages, acknowledged=lambda _: None))
        return {move: result for (move, _), result in zip(there, results, strict=True)}

    def _reported(self, move: Move, result: EventResult) -> Reported:
        match result.result:
            case Result.APPLIED:
                return Reported(move, Outcome.TAKEN, "")
            case Result.REJECTED:
                return Reported(move, Outcome.REFUSED, result.detail)
            case Result.DEAD_LETTER:
                return Reported(move, Outcome.INVALID, result.detail)
            case Result.DUPLICATE:
                return self._of_an_earlier_run(move)
            case _:
                return Reported(move, Outcome.UNKNOWN, result.detail)

    def _of_an_earlier_run(self, move: Move) -> Reported:
        """An equal row says nothing again: whether it was taken is told by the account's state document."""
        if self._subscriptions is None:
            self._subscriptions = asyncio.run(_subscriptions(self._settings))
        if self._subscriptions.get(move.account_id) == move.subscription_id:
            return Reported(move, Outcome.TAKEN_BEFORE, "")
        return Reported(move, Outcome.REFUSED, "as in an earlier run; correct the row to have it decided anew")


def _message(move: Move, value: bytes) -> Message:
    event: Mapping[str, Any] = orjson.loads(value)
    return Message(place=f"{move.file}, line {move.line}", topic=TOPIC_OF_TYPE[event["type"]], event=event)


def _with_troubles(line: Reported, results: Iterable[EventResult | None]) -> Reported:
    """With what became of inventory and balance, where that was not applied."""
    good = {Result.APPLIED, Result.DUPLICATE}
    troubles = [f"{each.result} {each.detail}" for each in results if each is not None and each.result not in good]
    return line._replace(why="; ".join(filter(None, [line.why, *troubles])))


async def _subscriptions(settings: Settings) -> Mapping[str, str]:
    """Account id -> id of its latest subscription, by the state documents."""
    found: dict[str, str] = {}
    async with standalone_consumer(settings, name_of(STATE, settings)) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        await consumer.seek_to_beginning()
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            found.update(_latest(record.value for record in await read_some(consumer)))
    return found


def _latest(values: Iterable[bytes | None]) -> Iterator[tuple[str, str]]:
    for value in values:
        document = json.loads(value) if value else {}
        if document.get("subscription_id"):
            yield document["account_id"], document["subscription_id"]
