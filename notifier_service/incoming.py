"""A batch of records, read by their contracts and sorted by what is to be done with them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from notifier_service.decisions import lifecycle_event
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.handlers import READS, SERVICE
from shared.contracts.clock import ClockSettled
from shared.contracts.envelope import Reason, Unreadable, decode
from shared.contracts.topics import LIFECYCLE, NOTIFICATION_DEAD_LETTERS
from shared.kafka.dead_letters import dead_letter
from shared.kafka.record import DecodedRecord, Record
from shared.outbox.log import Entry
from shared.storage.event_counts import Outcome

LEADER_OF_TIME: Final = "subscription"
"""The service whose settling lets our own clock move; our own settling is only read past."""


Found: TypeAlias = tuple[LifecycleEvent, Mapping[str, Any]] | ClockSettled
"""A lifecycle event with its envelope as it came, or how far the time of a service has come."""


@dataclass(slots=True)
class Batch:
    """`wires`: event id -> its envelope as it came; `settled`: advances that we have to follow."""

    events: list[LifecycleEvent] = field(default_factory=list)
    wires: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    settled: list[ClockSettled] = field(default_factory=list)
    dead_letters: list[Entry] = field(default_factory=list)
    event_counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)


def read(record: Record, topic: str) -> Found:
    """By the contract of its topic. Raises `Unreadable`."""
    event = decode(record.value, record.headers, READS[topic])
    if topic != LIFECYCLE:
        settled: ClockSettled = event.data
        return settled
    lifecycle = lifecycle_event.read(event)
    _check_subject(event.subject, lifecycle)
    return lifecycle, event.fields


def sort(decoded: Sequence[DecodedRecord], *, topic_prefix: str, partitions: int) -> Batch:
    """Each record to its kind; `partitions` is the number of the dead letters' topic."""
    batch = Batch()
    for record, found in decoded:
        topic = record.topic.removeprefix(topic_prefix)
        match found:
            case Unreadable():
                add_dead_letter(record, found, batch, topic=topic, partitions=partitions)
            case ClockSettled():
                _follow(found, topic, batch)
            case lifecycle, wire:
                batch.events.append(lifecycle)
                batch.wires[lifecycle.id] = wire
    return batch


def add_dead_letter(record: Record, unreadable: Unreadable, batch: Batch, *, topic: str, partitions: int) -> None:
    """This record becomes a dead letter."""
    letter = dead_letter(
        record, unreadable.reason, unreadable.detail, topic=NOTIFICATION_DEAD_LETTERS, partitions=partitions
    )
    batch.dead_letters.append(letter)
    batch.event_counts[topic, Outcome.DEAD_LETTER] += 1


def _follow(settled: ClockSettled, topic: str, batch: Batch) -> None:
    batch.event_counts[topic, Outcome.APPLIED] += 1
    if settled.service == LEADER_OF_TIME:
        batch.settled.append(settled)


def _check_subject(subject: str, event: LifecycleEvent) -> None:
    if subject != event.stamp.account_id:
        raise Unreadable(Reason.SUBJECT_MISMATCH, f"subject: expected {event.stamp.account_id!r} as in data.account_id")


__all__ = ["SERVICE", "Batch", "Found", "add_dead_letter", "read", "sort"]
