"""One batch of the lifecycle, one transaction: decisions, internal messages, outcomes, all or nothing (G3).

Called by `consuming` only, in the transaction that moves the positions. Emails are only queued here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from notifier_service import outbox_entries
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import InboxText, inbox_message
from notifier_service.decisions.decide import NotificationDecision, decide
from notifier_service.decisions.notice import Delivered, End, Status, Suppressed
from notifier_service.incoming import Batch, Found, add_dead_letter, read, sort
from notifier_service.storage import signals, store
from notifier_service.storage.signals import Signal
from shared.contracts.envelope import Reason, Unreadable
from shared.contracts.outcomes import Channel
from shared.contracts.topics import LIFECYCLE, NOTIFICATION_DEAD_LETTERS, OUTCOMES
from shared.kafka.record import DecodedRecord, Record
from shared.outbox import log
from shared.outbox.log import Entry
from shared.runtime.settings import Settings
from shared.storage import event_counts
from shared.storage.database import Connection
from shared.storage.event_counts import Outcome
from shared.testclock import clock
from shared.testclock.clock import Clock

_BREATH = 50
"""After so many messages were written the rest of the process gets its turn."""
_NOBODY = ("en", "UTC")
"""Language and zone of an inbox whose owner's contact is not known."""


class NotifierBatchProcessor:
    """The notifier's `consuming.BatchProcessor`; `partitions`: logical output topic -> its number of them."""

    def __init__(
        self, *, settings: Settings, clock: Clock, partitions: Mapping[str, int], languages: Languages
    ) -> None:
        self._languages = languages
        self._prefix = settings.topic_prefix
        self._clock = clock
        self._partitions = partitions

    def decode(self, record: Record) -> Found:
        """Raises `Unreadable`."""
        return read(record, record.topic.removeprefix(self._prefix))

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> None:
        """All that follows from these records at once, but for the sending of emails."""
        now = await self._clock.now(connection)
        batch = sort(decoded, topic_prefix=self._prefix, partitions=self._partitions[NOTIFICATION_DEAD_LETTERS])
        for settled in batch.settled:
            await clock.order(connection, settled.advance_id, settled.now)
        fresh = await _decided(connection, batch, now)
        await self._write(connection, fresh, now)
        await self._tell(connection, batch, fresh, now)

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> None:
        """This record alone cannot be applied."""
        batch = Batch()
        unreadable = Unreadable(Reason.INTERNAL_ERROR, type(error).__name__)
        partitions = self._partitions[NOTIFICATION_DEAD_LETTERS]
        add_dead_letter(record, unreadable, batch, topic=record.topic.removeprefix(self._prefix), partitions=partitions)
        await event_counts.add(connection, batch.event_counts)
        await log.append(connection, batch.dead_letters)

    async def _write(self, connection: Connection, fresh: Sequence[NotificationDecision], now: datetime) -> None:
        """The internal messages; written is delivered."""
        written = []
        for one in fresh:
            if store.status_at_first(one) is Status.DELIVERED:
                written.append((one, self._inbox_text(one, now)))
                if len(written) % _BREATH == 0:
                    await asyncio.sleep(0)
        if written:
            await store.write_messages(connection, written, now=now)
            await signals.tell(connection, Signal.INBOX)

    def _inbox_text(self, decision: NotificationDecision, now: datetime) -> InboxText:
        contact = decision.contact
        language, zone = (contact.locale, contact.time_zone) if contact else _NOBODY
        return inbox_message(decision.event.as_told(now), localizer_for(self._languages, language, zone), None)

    async def _tell(
        self, connection: Connection, batch: Batch, fresh: Sequence[NotificationDecision], now: datetime
    ) -> None:
        """Tallies, then the log, in the order of locks."""
        ends = [(decision, end) for decision in fresh if (end := _end(decision))]
        await event_counts.add(connection, batch.event_counts)
        await store.count(connection, [(one.planned.channel, outbox_entries.status_of(end)) for one, end in ends])
        await log.append(connection, [*batch.dead_letters, *(self._outcome(one, end, now) for one, end in ends)])
        if len(ends) < len(fresh):
            await signals.tell(connection, Signal.MAIL)

    def _outcome(self, decision: NotificationDecision, end: End, now: datetime) -> Entry:
        attempts = int(isinstance(end, Delivered))
        at, partitions = decision.event.told_at(now), self._partitions[OUTCOMES]
        return outbox_entries.ended(decision.notice, end, attempts=attempts, now=at, partitions=partitions)


async def _decided(connection: Connection, batch: Batch, now: datetime) -> list[NotificationDecision]:
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


def _count_events(batch: Batch, fresh: Sequence[NotificationDecision]) -> None:
    """Each copy of an event counts: the first as applied, every other one as a duplicate (G4)."""
    applied = len({id(decision.event) for decision in fresh})
    batch.event_counts[LIFECYCLE, Outcome.APPLIED] += applied
    batch.event_counts[LIFECYCLE, Outcome.DUPLICATE] += len(batch.events) - applied


def _end(decision: NotificationDecision) -> End | None:
    """How a new decision has ended at once; None for an email that waits for its turn."""
    if decision.suppressed is not None:
        return Suppressed(decision.suppressed)
    return Delivered(None) if decision.planned.channel is Channel.INBOX else None
