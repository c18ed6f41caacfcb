"""Sending what `import_plan` has made, in an order in which no customer is told anything, and what became of it.

1. The inventory, so that an import states what exceeds its quota already, and nothing is announced (R44).
2. The imports.
3. Of those that were taken: balances, and the inventory of partial protection, whose bindings count from now on (R36).

Subscriptions go in chunks: each step of a chunk waits for the results of the one before, and while one chunk waits
others go on. A run that was interrupted is simply run again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from shared.contracts.topics import PURCHASES, SERVER_INVENTORY
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_all, run_until_one_ends
from tenure.event_results import EventResult, Result
from tenure.event_stream import EventStream, StreamedEvent, event_stream
from tenure.import_plan import PlannedImport
from tenure.taken_before import TakenBefore, taken_before

CHUNK: Final = 2_000
CHUNKS_AT_ONCE: Final = 5
"""So much is under way at once that the service never waits for the next step, and others' events not for long."""


class Outcome(StrEnum):
    """What became of a subscription."""

    TAKEN = "taken"
    TAKEN_BEFORE = "taken before"
    REFUSED = "refused"
    INVALID = "invalid"
    UNKNOWN = "unknown"


_GOOD: Final = frozenset({Outcome.TAKEN, Outcome.TAKEN_BEFORE})


class Reported(NamedTuple):
    """One line of the report. `why`: the code of a refusal, or reason and detail of a dead letter; may be empty."""

    planned: PlannedImport
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
        return [line for line in self.lines if line.outcome not in _GOOD or line.why]


def send(
    imports: Sequence[PlannedImport], settings: Settings, *, service: str, seconds: float, done: Callable[[int], None]
) -> Report:
    """Send everything, and wait at most `seconds` for the results of one step. `service`: URL of the subscription
    service; `done` is called with the number of subscriptions so far. Raises `NotSent` and `Transient`.
    """
    return asyncio.run(_send(imports, settings, service=service, seconds=seconds, done=done))


async def _send(
    imports: Sequence[PlannedImport], settings: Settings, *, service: str, seconds: float, done: Callable[[int], None]
) -> Report:
    topics = (PURCHASES, SERVER_INVENTORY)
    streaming = event_stream(settings, service, seconds=seconds, topics=topics)
    async with streaming as stream, taken_before(settings, service) as before:
        sender = ImportSender(stream, before, done)
        await run_until_one_ends(partial(sender.send, imports), stream.keep_asking)
    return sender.report


class ImportSender:
    """Sends chunk after chunk, a few at once. `done`: as in `send`; `report`: once all were sent."""

    def __init__(self, stream: EventStream, before: TakenBefore, done: Callable[[int], None]) -> None:
        self.report = Report()
        self._stream = stream
        self._before = before
        self._done = done
        self._reported: dict[int, Sequence[Reported]] = {}
        self._free = asyncio.Semaphore(CHUNKS_AT_ONCE)

    async def send(self, imports: Sequence[PlannedImport]) -> None:
        """Everything. Raises `NotSent` and `Transient`."""
        starts = range(0, len(imports), CHUNK)
        await run_all(*[partial(self._in_turn, start, imports[start : start + CHUNK]) for start in starts])
        self.report.lines = [line for start in starts for line in self._reported[start]]

    async def _in_turn(self, start: int, chunk: Sequence[PlannedImport]) -> None:
        async with self._free:
            self._reported[start] = await self._chunk(chunk)
        self._done(sum(map(len, self._reported.values())))

    async def _chunk(self, imports: Sequence[PlannedImport]) -> Sequence[Reported]:
        early = await self._publish(SERVER_INVENTORY, [(each, each.inventory) for each in imports if not each.partial])
        results = await self._publish(PURCHASES, [(each, each.imported) for each in imports])
        lines = await self._lines([(planned, results[planned]) for planned in imports])
        taken = [line.planned for line in lines if line.outcome in _GOOD]
        credited, bound = await asyncio.gather(
            self._publish(PURCHASES, [(each, each.credit) for each in taken]),
            self._publish(SERVER_INVENTORY, [(each, each.inventory) for each in taken if each.partial]),
        )
        return [_with_troubles(line, [each.get(line.planned) for each in (early, credited, bound)]) for line in lines]

    async def _publish(
        self, topic: str, events: Sequence[tuple[PlannedImport, bytes | None]]
    ) -> Mapping[PlannedImport, EventResult]:
        there = [(planned, value) for planned, value in events if value is not None]
        if not there:
            return {}
        streamed = [StreamedEvent(topic, planned.account_id.encode(), value) for planned, value in there]
        results = await self._stream.publish(streamed)
        return {planned: result for (planned, _), result in zip(there, results, strict=True)}

    async def _lines(self, results: Sequence[tuple[PlannedImport, EventResult]]) -> Sequence[Reported]:
        """An equal row says nothing again: whether it was taken in an earlier run is told by its account."""
        again = [planned for planned, result in results if result.result is Result.DUPLICATE]
        taken = await self._before.of(again) if again else set()
        return [_reported(planned, result, before=planned in taken) for planned, result in results]


def _reported(planned: PlannedImport, result: EventResult, *, before: bool) -> Reported:
    match result.result:
        case Result.APPLIED:
            return Reported(planned, Outcome.TAKEN, "")
        case Result.REJECTED:
            return Reported(planned, Outcome.REFUSED, result.detail)
        case Result.DEAD_LETTER:
            return Reported(planned, Outcome.INVALID, result.detail)
        case Result.DUPLICATE if before:
            return Reported(planned, Outcome.TAKEN_BEFORE, "")
        case Result.DUPLICATE:
            return Reported(planned, Outcome.REFUSED, "as in an earlier run; correct the row to have it decided anew")
        case _:
            return Reported(planned, Outcome.UNKNOWN, result.detail)


def _with_troubles(line: Reported, results: Iterable[EventResult | None]) -> Reported:
    """With what became of inventory and balance, where that was not applied."""
    good = {Result.APPLIED, Result.DUPLICATE}
    troubles = [f"{each.result} {each.detail}" for each in results if each is not None and each.result not in good]
    return line._replace(why="; ".join(filter(None, [line.why, *troubles])))
