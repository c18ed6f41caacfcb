"""One batch of the lifecycle, one transaction: decisions, internal messages, outcomes, all or nothing (G3).

Called by `consuming` only, in the transaction that moves the positions. Emails are only queued here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier_service import outcomes, signals, store
from notifier_service.decisions import Decision, decide
from notifier_service.incoming import Batch, Found, bury, read, sort
from notifier_service.notice import Delivered, End, Status, Suppressed
from notifier_service.render import InboxText, inbox_message
from notifier_service.signals import Signal
from shared import clock, log, tally
from shared.clock import Clock
from shared.contracts.envelope import Reason, Unreadable
from shared.contracts.outcomes import Channel
from shared.log import Entry
from shared.record import Opened, Record
from shared.settings import Settings
from shared.tally import Outcome
from shared.topics import LIFECYCLE, NOTIFICATION_DEAD_LETTERS, OUTCOMES

_BREATH = 50
"""After so many messages were written the rest of the process gets its turn."""
_NOBODY = ("en", "UTC")
"""Language and zone of an inbox whose owner's contact is not known."""


class Apply:
    """The notifier's `consuming.Applier`; `partitions`: logical output topic -> its number of them."""

    def __init__(self, *, settings: Settings, clock: Clock, partitions: Mapping[str, int]) -> None:
        self._prefix = settings.topic_prefix
        self._clock = clock
        self._partitions = partitions

    def read(self, record: Record) -> Found:
        """Raises `Unreadable`."""
        return read(record, record.topic.removeprefix(self._prefix))

    async def apply(self, connection: AsyncConnection, opened: Sequence[Opened]) -> None:
        """All that follows from these records at once, but for the sending of emails."""
        now = await self._clock.now(connection)
        batch = sort(opened, topic_prefix=self._prefix, partitions=self._partitions[NOTIFICATION_DEAD_LETTERS])
        for settled in batch.settled:
            await clock.order(connection, settled.advance_id, settled.now)
        fresh = await _decided(connection, batch, now)
        await _write(connection, fresh, now)
        await self._tell(connection, batch, fresh, now)

    async def bury(self, connection: AsyncConnection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied."""
        batch = Batch()
        unreadable = Unreadable(Reason.INTERNAL_ERROR, type(error).__name__)
        partitions = self._partitions[NOTIFICATION_DEAD_LETTERS]
        bury(record, unreadable, batch, topic=record.topic.removeprefix(self._prefix), partitions=partitions)
        await tally.add(connection, batch.tally)
        await log.append(connection, batch.dead_letters)

    async def _tell(self, connection: AsyncConnection, batch: Batch, fresh: Sequence[Decision], now: datetime) -> None:
        """Tallies, then the log, in the order of locks."""
        ends = [(decision, end) for decision in fresh if (end := _end(decision))]
        await tally.add(connection, batch.tally)
        await store.count(connection, [(one.planned.channel, outcomes.status_of(end)) for one, end in ends])
        await log.append(connection, [*batch.dead_letters, *(self._outcome(one, end, now) for one, end in ends)])
        if len(ends) < len(fresh):
            await signals.tell(connection, Signal.MAIL)

    def _outcome(self, decision: Decision, end: End, now: datetime) -> Entry:
        attempts = int(isinstance(end, Delivered))
        at, partitions = decision.event.told_at(now), self._partitions[OUTCOMES]
        return outcomes.ended(decision.notice, end, attempts=attempts, now=at, partitions=partitions)


async def _decided(connection: AsyncConnection, batch: Batch, now: datetime) -> list[Decision]:
    """Decide and store; the decisions that are new. An event of which nothing is new is a duplicate."""
    if not batch.events:
        return []
    recipients = await store.lock(connection, {event.stamp.account_id for event in batch.events})
    decisions, known = decide(batch.events, recipients, now)
    await store.save(connection, [one for key, one in known.items() if one != recipients[key]])
    new = await store.add(connection, decisions, batch.wires, now=now)
    fresh = []
    for decision in decisions:
        if decision.planned.notification_id in new:
            new.remove(decision.planned.notification_id)
            fresh.append(decision)
    _count_events(batch, fresh)
    return fresh


def _count_events(batch: Batch, fresh: Sequence[Decision]) -> None:
    """Each copy of an event counts: the first as applied, every other one as a duplicate (G4)."""
    applied = len({id(decision.event) for decision in fresh})
    batch.tally[LIFECYCLE, Outcome.APPLIED] += applied
    batch.tally[LIFECYCLE, Outcome.DUPLICATE] += len(batch.events) - applied


async def _write(connection: AsyncConnection, fresh: Sequence[Decision], now: datetime) -> None:
    """The internal messages; written is delivered."""
    written = []
    for one in fresh:
        if store.status_at_first(one) is Status.DELIVERED:
            written.append((one, _said(one, now)))
            if len(written) % _BREATH == 0:
                await asyncio.sleep(0)
    if written:
        await store.write_messages(connection, written, now=now)
        await signals.tell(connection, Signal.INBOX)


def _said(decision: Decision, now: datetime) -> InboxText:
    contact = decision.contact
    language, zone = (contact.locale, contact.time_zone) if contact else _NOBODY
    return inbox_message(decision.event.as_told(now), language, zone, None)


def _end(decision: Decision) -> End | None:
    """How a new decision has ended at once; None for an email that waits for its turn."""
    if decision.suppressed is not None:
        return Suppressed(decision.suppressed)
    return Delivered(None) if decision.planned.channel is Channel.INBOX else None
