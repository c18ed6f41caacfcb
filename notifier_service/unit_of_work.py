"""What one transaction of the notifier collects, and writes as its last statements.

Invariant: `save` takes locks in one order (event counts, notification counts, output partitions of the log), each kind
sorted, so that transactions of several copies cannot deadlock.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier_service import outbox_entries
from notifier_service.decisions.notification import (
    Failed,
    FinalResult,
    Notification,
    NotificationStatus,
    Returned,
    final_status,
)
from notifier_service.log_lines import email_failed, email_returned
from notifier_service.storage import notification_counts, signals
from notifier_service.storage.signals import Signal
from shared.contracts.outcomes import Channel
from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS, OUTCOMES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.dead_letters import dead_letter, dead_letter_line, emptied
from shared.kafka.record import Record
from shared.outbox import log
from shared.outbox.log import Entry
from shared.runtime.log_lines import LogMessage
from shared.storage import event_counts
from shared.storage.database import Connection
from shared.storage.event_counts import EventOutcome


@dataclass(slots=True)
class UnitOfWork:
    """`now`: service clock of the transaction; `partitions`: logical topic -> its number of partitions.

    `log_messages`: what the log says once all is committed.
    """

    now: datetime
    partitions: Mapping[str, int]
    event_counts: Counter[tuple[str, EventOutcome]] = field(default_factory=Counter)
    dead_letter_counts: Counter[Reason] = field(default_factory=Counter)
    notification_counts: Counter[tuple[Channel, NotificationStatus]] = field(default_factory=Counter)
    signals: set[Signal] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    log_messages: list[LogMessage] = field(default_factory=list)

    def add_dead_letter(
        self, record: Record, topic: str, unreadable: Unreadable, error: Exception | None = None
    ) -> None:
        """The record is published as received on the dead-letter topic, and counted under its logical `topic`.

        `error`: the fault of ours behind it.
        """
        self.log_messages.append(dead_letter_line(record, unreadable.reason, error))
        entry = dead_letter(
            record,
            unreadable.reason,
            unreadable.detail,
            topic=NOTIFICATION_DEAD_LETTERS,
            partitions=self.partitions[NOTIFICATION_DEAD_LETTERS],
        )
        self.entries.append(entry)
        self.event_counts[topic, EventOutcome.DEAD_LETTER] += 1
        self.dead_letter_counts[unreadable.reason] += 1

    def empty_dead_letters(self, account_id: str) -> None:
        """Those of the account that were collected lose what was received: its person is forgotten (R48)."""
        self.entries = [
            emptied(entry) if (entry.topic, entry.account_id) == (NOTIFICATION_DEAD_LETTERS, account_id) else entry
            for entry in self.entries
        ]

    def add_final_result(
        self, notification: Notification, result: FinalResult | Returned, *, attempts: int, at: datetime
    ) -> None:
        """The notification has ended, or came back: it is counted, and published as an outcome with the time `at`."""
        self.notification_counts[notification.channel, final_status(result)] += 1
        if isinstance(result, Failed):
            self.log_messages.append(email_failed(notification, result.reason, attempts))
        elif isinstance(result, Returned):
            self.log_messages.append(email_returned(notification, result.outcome, result.reason))
        partitions = self.partitions[OUTCOMES]
        self.entries.append(
            outbox_entries.final_result(notification, result, attempts=attempts, at=at, partitions=partitions)
        )

    def add_read(self, notification: Notification, *, attempts: int, at: datetime) -> None:
        """The recipient has read the internal message: the outcome `read` is published."""
        partitions = self.partitions[OUTCOMES]
        self.entries.append(outbox_entries.message_read(notification, attempts=attempts, at=at, partitions=partitions))

    async def save(self, connection: Connection) -> None:
        """Write all that was collected; nothing may be written after it in the same transaction."""
        await event_counts.add(connection, self.event_counts)
        await event_counts.add_dead_letters(connection, NOTIFICATION_DEAD_LETTERS, self.dead_letter_counts)
        await notification_counts.add(connection, self.notification_counts)
        for signal in sorted(self.signals):
            await signals.notify(connection, signal)
        await log.append(connection, self.entries)
