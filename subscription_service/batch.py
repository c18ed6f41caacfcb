"""One batch, one transaction: all IO of a decision, in order. Called by `consuming` only.

read -> claim ids -> lock accounts -> take each event -> save. What cannot be read becomes a dead letter beside its
neighbours; clock advances (test clock only) are remembered for the barrier.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from shared.contracts.clock import ClockAdvanced
from shared.contracts.envelope import Reason, Unreadable, check_not_in_future
from shared.contracts.topics import LIFECYCLE, TEST_CLOCK
from shared.kafka.record import DecodedRecord, Record
from shared.storage.database import Connection
from shared.storage.event_counts import Outcome
from shared.testclock import clock
from shared.testclock.clock import Clock
from subscription_service.domain.policy import Rules
from subscription_service.handlers import Incoming, Verdict, read
from subscription_service.storage import deduplication, store
from subscription_service.storage.saving import save
from subscription_service.unit_of_work import UnitOfWork


class SubscriptionBatchProcessor:
    """The subscription service's `BatchProcessor`; `partitions`: logical output topic -> number of partitions."""

    def __init__(
        self, *, rules: Rules, clock: Clock, partitions: Mapping[str, int], logical: Callable[[Record], str]
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._partitions = partitions
        self._logical = logical

    def decode(self, record: Record) -> Incoming:
        """Raises `Unreadable`."""
        return read(record, self._logical(record), currency=self._rules.catalog.currency)

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> None:
        """Apply them all, or raise."""
        unit_of_work = self._begin(await self._clock.now(connection))
        events, advances = self._sort(decoded, unit_of_work)
        await self._remember(connection, advances, unit_of_work)
        if events:
            await deduplication.claim(connection, events)
            unit_of_work.locked = await store.lock(
                connection, {event.account_id for event in events}, partitions=self._partitions[LIFECYCLE]
            )
            waiting = [event for locked in unit_of_work.locked.values() for event in locked.waiting]
            fresh = [event for event in events if event.verdict is not Verdict.DUPLICATE]
            await store.load_touched(connection, unit_of_work.locked, [*waiting, *fresh], whole=False)
            for event in events:
                unit_of_work.handle(event)
        await save(connection, unit_of_work)

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied: make it a dead letter."""
        unit_of_work = self._begin(await self._clock.now(connection))
        unit_of_work.dead_letter_record(record, self._logical(record), Reason.INTERNAL_ERROR, type(error).__name__)
        await save(connection, unit_of_work)

    def _begin(self, now: datetime) -> UnitOfWork:
        return UnitOfWork(now=now, rules=self._rules, locked={}, partitions=self._partitions)

    def _sort(
        self, decoded: Sequence[DecodedRecord], unit_of_work: UnitOfWork
    ) -> tuple[list[Incoming], list[Incoming]]:
        """Events, and clock advances; what is neither is buried."""
        events: list[Incoming] = []
        advances: list[Incoming] = []
        for record, content in decoded:
            topic = self._logical(record)
            try:
                incoming = _timely(content, unit_of_work.now)
            except Unreadable as unreadable:
                unit_of_work.dead_letter_record(record, topic, unreadable.reason, unreadable.detail)
            else:
                (advances if topic == TEST_CLOCK else events).append(incoming)
        return events, advances

    async def _remember(self, connection: Connection, advances: Sequence[Incoming], unit_of_work: UnitOfWork) -> None:
        """Time never goes back: an advance to an earlier instant is a dead letter."""
        for advance in advances:
            data: ClockAdvanced = advance.event.data
            latest = await clock.latest(connection)
            if data.now < latest:
                detail = f"data.now: earlier than {latest.isoformat()}, at which the clock stands"
                unit_of_work.dead_letter_record(advance.record, TEST_CLOCK, Reason.INVALID_DATA, detail)
            else:
                await clock.order(connection, advance.event.id, data.now)
                unit_of_work.event_counts[TEST_CLOCK, Outcome.APPLIED] += 1


def _timely(content: Incoming | Unreadable, now: datetime) -> Incoming:
    """What was read, unless it lies in the future; an advance of the clock may. Raises `Unreadable`."""
    if isinstance(content, Unreadable):
        raise content
    if content.topic != TEST_CLOCK:
        check_not_in_future(content.event, now)
    return content
