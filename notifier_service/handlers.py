"""The registry: which topics the notifier reads, the contract of each event type, and what is done with them.

`registry` is the whole program in one table. `batch` decodes each record by it ahead of the transaction (`contracts`,
`read`) and applies the records of a topic together inside of it (`apply`). What has no contract is a dead letter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from notifier_service.content.inbox_composer import InboxComposer
from notifier_service.decisions import lifecycle_event
from notifier_service.decisions.decide import NotificationDecision, decide
from notifier_service.decisions.held_back import DeliveryMode
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.notification import Delivered, Suppressed
from notifier_service.decisions.outdated import ERASED
from notifier_service.decisions.recipient import newly_erased
from notifier_service.storage import erasure, messages, notifications, recipients
from notifier_service.storage.messages import NewMessage
from notifier_service.storage.signals import Signal
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.clock import ClockSettled
from shared.contracts.envelope import Event
from shared.contracts.topics import LIFECYCLE, TEST_CLOCK_SETTLED, TOPICS
from shared.storage.database import Connection
from shared.storage.event_counts import EventOutcome
from shared.testclock.advances import request_advance

_CLOCK_LEADER: Final = "subscription"
"""The service whose clock this one follows; its own `settled` events, on the same topic, are only counted."""
_YIELD_AFTER: Final = 50
"""Internal messages composed before other tasks of the process may run."""

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Handler(Generic[C]):
    """What is done with the records of one topic."""

    contracts: Mapping[str, type[Any]]
    """Event type -> contract of its `data`."""
    read: Callable[[Event[Any]], C]
    """Decoded event -> what `apply` takes. Pure. Raises `Unreadable`."""
    apply: Callable[[Connection, Sequence[C], UnitOfWork], Awaitable[None]]
    """Apply what `read` gave for all records of a batch, in the batch's transaction."""


Registry: TypeAlias = Mapping[str, Handler[Any]]
"""Logical topic -> its handler."""


def registry(composer: InboxComposer, mode: DeliveryMode) -> Registry:
    """All topics that the notifier reads; the second one exists with the test clock only."""
    return {
        LIFECYCLE: Handler(
            contracts=TOPICS[LIFECYCLE].contracts, read=lifecycle_event.read, apply=partial(notify, composer, mode)
        ),
        TEST_CLOCK_SETTLED: Handler(
            contracts=TOPICS[TEST_CLOCK_SETTLED].contracts, read=_clock_settled, apply=follow_clock
        ),
    }


async def notify(
    composer: InboxComposer,
    mode: DeliveryMode,
    connection: Connection,
    events: Sequence[LifecycleEvent],
    unit_of_work: UnitOfWork,
) -> None:
    """Decide the notifications of these lifecycle events and store those that are new (G3).

    Internal messages are delivered by being stored, emails are queued for `delivery`.
    """
    now = unit_of_work.now
    known = await recipients.lock(connection, {event.metadata.account_id for event in events})
    decisions, changed = decide(events, known, now, mode)
    for event in events:
        if newly_erased(event, known[event.metadata.account_id]):
            await _forget_person(connection, event, unit_of_work)
    await recipients.save(connection, [one for key, one in changed.items() if one != known[key]])
    new = _new(decisions, await notifications.add(connection, decisions, now=now))
    _count_events(events, decisions, new, unit_of_work)
    await messages.add(connection, await _compose_messages(composer, new, now))
    _collect(new, unit_of_work)


async def _forget_person(connection: Connection, erased: LifecycleEvent, unit_of_work: UnitOfWork) -> None:
    """R48, before anything of this batch is stored: what its later events say is about somebody new."""
    account_id, at = erased.metadata.account_id, erased.processing_time(unit_of_work.now)
    for ended in await erasure.forget(connection, account_id):
        unit_of_work.add_final_result(ended.notification, Suppressed(ERASED), attempts=ended.attempts, at=at)
    unit_of_work.empty_dead_letters(account_id)
    unit_of_work.signals.add(Signal.INBOX)


async def follow_clock(connection: Connection, settled: Sequence[ClockSettled], unit_of_work: UnitOfWork) -> None:
    """Order this service's test clock to follow where the subscription service has settled."""
    unit_of_work.event_counts[TEST_CLOCK_SETTLED, EventOutcome.APPLIED] += len(settled)
    for event in settled:
        if event.service == _CLOCK_LEADER:
            await request_advance(connection, event.advance_id, event.now)


def _clock_settled(event: Event[ClockSettled]) -> ClockSettled:
    return event.data


def _new(decisions: Sequence[NotificationDecision], added: Collection[str]) -> list[NotificationDecision]:
    """Those whose ids were added, each once: the same event may stand in a batch several times."""
    first: dict[str, NotificationDecision] = {}
    for decision in decisions:
        first.setdefault(decision.planned.notification_id, decision)
    return [decision for notification_id, decision in first.items() if notification_id in added]


def _count_events(
    events: Sequence[LifecycleEvent],
    decisions: Sequence[NotificationDecision],
    new: Sequence[NotificationDecision],
    unit_of_work: UnitOfWork,
) -> None:
    """Every record counts: the first of an event as applied, each further one as a duplicate (G4).

    An event of which nobody is told leaves no row by which it could be recognized, so it always counts as applied.
    """
    silent = len(events) - len({id(decision.event) for decision in decisions})
    applied = silent + len({id(decision.event) for decision in new})
    unit_of_work.event_counts[LIFECYCLE, EventOutcome.APPLIED] += applied
    unit_of_work.event_counts[LIFECYCLE, EventOutcome.DUPLICATE] += len(events) - applied


async def _compose_messages(
    composer: InboxComposer, new: Sequence[NotificationDecision], now: datetime
) -> list[NewMessage]:
    """The internal messages among the decisions."""
    composed: list[NewMessage] = []
    for decision in new:
        if isinstance(decision.immediate_result, Delivered):
            composed.append(_compose(composer, decision, now))
            if len(composed) % _YIELD_AFTER == 0:
                await asyncio.sleep(0)
    return composed


def _compose(composer: InboxComposer, decision: NotificationDecision, now: datetime) -> NewMessage:
    text = composer.compose(decision.event.as_of(now), decision.contact)
    return NewMessage(
        message_id=decision.planned.notification_id,
        account_id=decision.event.metadata.account_id,
        kind=decision.planned.kind,
        title=text.title,
        body=text.body,
        link=text.link,
        created_at=decision.event.processing_time(now),
    )


def _collect(new: Sequence[NotificationDecision], unit_of_work: UnitOfWork) -> None:
    """Outcomes of what has ended, and the signals for what is to be sent or shown."""
    for decision in new:
        result = decision.immediate_result
        if result is None:
            unit_of_work.signals.add(Signal.MAIL)
            continue
        delivered = isinstance(result, Delivered)
        if delivered:
            unit_of_work.signals.add(Signal.INBOX)
        at = decision.event.processing_time(unit_of_work.now)
        unit_of_work.add_final_result(decision.notification, result, attempts=int(delivered), at=at)
