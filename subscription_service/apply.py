"""One batch, one transaction: all IO of a decision, in order. Called by `consuming` only.

read -> claim ids -> lock accounts -> take each event -> save. What cannot be read becomes a dead letter beside its
neighbours; clock advances (test clock only) are remembered for the barrier.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared import clock
from shared.clock import Clock
from shared.contracts.clock import ClockAdvanced
from shared.contracts.envelope import Reason, Unreadable, check_not_in_future
from shared.record import Opened, Record
from shared.tally import Outcome
from shared.topics import LIFECYCLE, TEST_CLOCK
from subscription_service import claims, store
from subscription_service.domain.policy import Rules
from subscription_service.incoming import Incoming, Verdict, read
from subscription_service.saving import save
from subscription_service.work import Work


class Apply:
    """The subscription service's `consuming.Applier`; `partitions`: logical output topic -> its number of them."""

    def __init__(
        self, *, rules: Rules, clock: Clock, partitions: Mapping[str, int], logical: Callable[[Record], str]
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._partitions = partitions
        self._logical = logical

    def read(self, record: Record) -> Incoming:
        """Raises `Unreadable`."""
        return read(record, self._logical(record), currency=self._rules.catalog.currency)

    async def apply(self, connection: AsyncConnection, opened: Sequence[Opened]) -> None:
        """Apply them all, or raise."""
        work = self._begin(await self._clock.now(connection))
        events, advances = self._sort(opened, work)
        await self._remember(connection, advances, work)
        if events:
            await claims.claim(connection, events)
            work.held = await store.lock(
                connection, {event.account_id for event in events}, partitions=self._partitions[LIFECYCLE]
            )
            waiting = [event for held in work.held.values() for event in held.waiting]
            fresh = [event for event in events if event.verdict is not Verdict.DUPLICATE]
            await store.load_touched(connection, work.held, [*waiting, *fresh], whole=False)
            for event in events:
                work.take(event)
        await save(connection, work)

    async def bury(self, connection: AsyncConnection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied: make it a dead letter."""
        work = self._begin(await self._clock.now(connection))
        work.bury_record(record, self._logical(record), Reason.INTERNAL_ERROR, type(error).__name__)
        await save(connection, work)

    def _begin(self, now: datetime) -> Work:
        return Work(now=now, rules=self._rules, held={}, partitions=self._partitions)

    def _sort(self, opened: Sequence[Opened], work: Work) -> tuple[list[Incoming], list[Incoming]]:
        """Events, and clock advances; what is neither is buried."""
        events: list[Incoming] = []
        advances: list[Incoming] = []
        for record, content in opened:
            topic = self._logical(record)
            try:
                incoming = _timely(content, work.now)
            except Unreadable as unreadable:
                work.bury_record(record, topic, unreadable.reason, unreadable.detail)
            else:
                (advances if topic == TEST_CLOCK else events).append(incoming)
        return events, advances

    async def _remember(self, connection: AsyncConnection, advances: Sequence[Incoming], work: Work) -> None:
        """Time never goes back: an advance to an earlier instant is a dead letter."""
        for advance in advances:
            data: ClockAdvanced = advance.event.data
            latest = await clock.latest(connection)
            if data.now < latest:
                detail = f"data.now: earlier than {latest.isoformat()}, at which the clock stands"
                work.bury_record(advance.record, TEST_CLOCK, Reason.INVALID_DATA, detail)
            else:
                await clock.order(connection, advance.event.id, data.now)
                work.tally[TEST_CLOCK, Outcome.APPLIED] += 1


def _timely(content: Incoming | Unreadable, now: datetime) -> Incoming:
    """What was read, unless it lies in the future; an advance of the clock may. Raises `Unreadable`."""
    if isinstance(content, Unreadable):
        raise content
    if content.topic != TEST_CLOCK:
        check_not_in_future(content.event, now)
    return content
