"""What one transaction does, worked out in memory: events and timers in, changed accounts and log entries out. Pure.

`batch` loads the accounts, calls `handle` for each event (or `catch_up` for each due account), and stores what is left
here. An account's object is replaced, never changed, so what differs from `before` is what must be stored.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.contracts.envelope import Reason
from shared.contracts.lifecycle import LifecycleData, OrderRejected, RejectionCode
from shared.contracts.topics import DEAD_LETTERS
from shared.kafka.dead_letters import dead_letter
from shared.kafka.record import Record
from shared.outbox.log import Entry
from shared.storage.event_counts import Outcome
from subscription_service.domain.context import DecisionTime, instant_of
from subscription_service.domain.model import Account, VersionStamp
from subscription_service.domain.overview import overview_with
from subscription_service.domain.policy import Rules
from subscription_service.domain.step import refuse, step
from subscription_service.domain.timers import Timer, next_timer
from subscription_service.handlers import Incoming, Verdict
from subscription_service.outbox_entries import EmittedEvent, lifecycle_entry, state_entry

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LockedAccount:
    """One account while a transaction works on it; `waiting` are its events that wait, in order of arrival.

    `timer_stored` is as the row had it, to be used again where nothing has changed.
    """

    account: Account
    before: Account
    partition: int
    revision: int
    timer_stored: Timer | None = None
    waiting: list[Incoming] = field(default_factory=list)
    timed: Account | None = None
    timed_timer: Timer | None = None

    def timer(self, rules: Rules) -> Timer | None:
        """Its next timer; worked out only where that may have changed."""
        if self.timer_stored and _timed_alike(self.account, self.before):
            return self.timer_stored
        if self.timed is None or not _timed_alike(self.account, self.timed):
            self.timed, self.timed_timer = self.account, next_timer(self.account, rules.policy)
        return self.timed_timer

    @property
    def deferring(self) -> bool:
        """An event of it already waits for timers; those behind it must wait too."""
        return any(incoming.until is None for incoming in self.waiting)

    @property
    def purchase_awaited_until(self) -> datetime | None:
        """When its first event has waited long enough for a purchase (R40); an unknown account has no timers."""
        if self.account.subscription is not None or not self.waiting:
            return None
        return min((incoming.until for incoming in self.waiting if incoming.until), default=None)

    def next_due_at(self, timer: Timer | None, now: datetime) -> datetime | None:
        """When something must happen by itself, given its next timer; `now` while an event waits for timers."""
        at = timer.at if timer else None
        if not self.waiting:
            return at
        return min([incoming.until or now for incoming in self.waiting] + ([at] if at else []))


class UnitOfWork:
    """Collects everything that one transaction has to store and to say."""

    def __init__(
        self, *, now: datetime, rules: Rules, locked: Mapping[str, LockedAccount], partitions: Mapping[str, int]
    ) -> None:
        self.now = now
        self.rules = rules
        self.locked = locked
        self.emitted: list[EmittedEvent] = []
        self.applied: list[Incoming] = []
        self.forgotten: list[Incoming] = []
        self.left_waiting: list[int] = []
        self.event_counts: Counter[tuple[str, Outcome]] = Counter()
        self.dead_letters: list[Entry] = []
        self._partitions = partitions
        self._fewer_waiting: set[str] = set()
        self._shown: list[LockedAccount] = []

    def handle(self, incoming: Incoming) -> None:
        """Decide it now, or let it wait: for a purchase (R40), or for the account's timers to go first (R4)."""
        locked = self.locked[incoming.account_id]
        if incoming.verdict is Verdict.DUPLICATE:
            self._count(incoming, Outcome.DUPLICATE)
        elif locked.account.subscription is None and incoming.waits_for_purchase and incoming.verdict is Verdict.FRESH:
            incoming.until = self.now.replace(microsecond=0) + self.rules.policy.park_for
            locked.waiting.append(incoming)
        elif locked.deferring or self._timer_first(locked, incoming):
            incoming.until = None
            locked.waiting.append(incoming)
        else:
            self._decide(locked, incoming)

    def catch_up(self, locked: LockedAccount) -> None:
        """All that is due of this account up to now: timers and waiting events, in the order of their instants."""
        while True:
            incoming = min((each for each in locked.waiting if each.until is None), key=_time, default=None)
            timer = locked.timer(self.rules)
            horizon = self._instant(locked, incoming) if incoming else self.now
            if timer and timer.at <= horizon:
                self._run(locked, timer)
            elif (over := locked.purchase_awaited_until) and over <= horizon:
                self._reject_the_overdue(locked, over)
            elif incoming:
                self._leave(locked, incoming)
                self._decide(locked, incoming)
            else:
                return

    def dead_letter(self, incoming: Incoming, reason: Reason, detail: str) -> None:
        """It becomes a dead letter, and claims no id (R39)."""
        self.forgotten.append(incoming)
        self.dead_letter_record(incoming.record, incoming.topic, reason, detail)

    def dead_letter_record(self, record: Record, topic: str, reason: Reason, detail: str) -> None:
        """A record that could not even be read."""
        partitions = self._partitions[DEAD_LETTERS]
        self.dead_letters.append(dead_letter(record, reason, detail, topic=DEAD_LETTERS, partitions=partitions))
        self.event_counts[topic, Outcome.DEAD_LETTER] += 1

    def number_overviews(self) -> None:
        """Every account of which the overview has changed gets one more revision."""
        for locked in self.locked.values():
            changed = locked.account is not locked.before
            if changed and (locked.revision == 0 or _shows(locked.account) != _shows(locked.before)):
                locked.revision += 1
                self._shown.append(locked)

    def entries(self) -> Iterator[Entry]:
        """Everything for the log: dead letters, the lifecycle in order, one state document an account."""
        yield from self.dead_letters
        for event in self.emitted:
            yield lifecycle_entry(event, self.locked[event.account_id].partition, self.now)
        for locked in self._shown:
            yield self._state_entry(locked)

    def changed(self) -> list[LockedAccount]:
        """Accounts whose row must be stored."""
        return [
            locked
            for account_id, locked in self.locked.items()
            if locked.account is not locked.before or locked.waiting or account_id in self._fewer_waiting
        ]

    def _state_entry(self, locked: LockedAccount) -> Entry:
        document = overview_with(
            locked.timer(self.rules), locked.account, revision=locked.revision, as_of=self.now, rules=self.rules
        )
        return state_entry(document, locked.partition)

    def _timer_first(self, locked: LockedAccount, incoming: Incoming) -> bool:
        timer = locked.timer(self.rules)
        at = timer.at if timer else locked.purchase_awaited_until
        return at is not None and at <= self._instant(locked, incoming)

    def _instant(self, locked: LockedAccount, incoming: Incoming) -> datetime:
        return instant_of(incoming.event.time, self.now, locked.account.decided_at)

    def _decide(self, locked: LockedAccount, incoming: Incoming) -> None:
        """One event through the core; a bug in there isolates this event."""
        time = DecisionTime(at=self._instant(locked, incoming), now=self.now)
        event = incoming.event
        business_key = incoming.business_key
        if incoming.verdict is Verdict.CONFLICT and business_key and business_key.kind != "order":
            self.dead_letter(incoming, Reason.ID_CONFLICT, f"{business_key.kind}_id: spent by other content")
            return
        try:
            if incoming.verdict is Verdict.CONFLICT:
                account, events = refuse(locked.account, event.data, RejectionCode.ORDER_CONFLICT, at=time.at)
            else:
                stamp = VersionStamp(event.time, event.source, event.id)
                account, events = step(locked.account, event.data, time=time, stamp=stamp, rules=self.rules)
        except Exception as error:
            logger.exception("deciding %s %s of account %s failed", event.type, event.id, incoming.account_id)
            self.dead_letter(incoming, Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
            return
        self._applied(locked, incoming, account, events, time.at)

    def _applied(
        self, locked: LockedAccount, incoming: Incoming, account: Account, events: Sequence[LifecycleData], at: datetime
    ) -> None:
        was_known = locked.account.subscription is not None
        self._say(locked, account, events, at, incoming)
        refused = any(isinstance(event, OrderRejected) for event in events)
        self._count(incoming, Outcome.REJECTED if refused else Outcome.APPLIED)
        if not refused:
            self.applied.append(incoming)
        if not was_known and account.subscription is not None:
            self._release_the_parked(locked)

    def _run(self, locked: LockedAccount, timer: Timer) -> None:
        account, events = step(
            locked.account, timer, time=DecisionTime(at=timer.at, now=self.now), stamp=_NO_STAMP, rules=self.rules
        )
        self._say(locked, account, events, timer.at, timer)

    def _say(
        self,
        locked: LockedAccount,
        account: Account,
        events: Sequence[LifecycleData],
        at: datetime,
        cause: Incoming | Timer,
    ) -> None:
        first = locked.account.version + 1
        locked.account = account
        for number, event in enumerate(events):
            self.emitted.append(EmittedEvent(account, first + number, event, at, cause))

    def _release_the_parked(self, locked: LockedAccount) -> None:
        """A purchase was accepted: what waited for it goes on, in order of arrival (R40)."""
        parked = [incoming for incoming in locked.waiting if incoming.until is not None]
        for incoming in parked:
            self._leave(locked, incoming)
            self.handle(incoming)

    def _reject_the_overdue(self, locked: LockedAccount, over: datetime) -> None:
        """No purchase came in time (R40)."""
        for incoming in [each for each in locked.waiting if each.until == over]:
            self._leave(locked, incoming)
            at = max(over, locked.account.decided_at or over)
            account, events = refuse(locked.account, incoming.event.data, RejectionCode.NOT_SUBSCRIBED, at=at)
            self._applied(locked, incoming, account, events, at)

    def _leave(self, locked: LockedAccount, incoming: Incoming) -> None:
        locked.waiting.remove(incoming)
        if incoming.waiting_id is not None:
            self.left_waiting.append(incoming.waiting_id)
            incoming.waiting_id = None  # its row goes; should it have to wait again, it gets another one
            self._fewer_waiting.add(incoming.account_id)

    def _count(self, incoming: Incoming, outcome: Outcome) -> None:
        self.event_counts[incoming.topic, outcome] += 1


_NO_STAMP = VersionStamp(datetime.min.replace(tzinfo=UTC), "", "")


def _timed_alike(one: Account, other: Account) -> bool:
    """Whether the next timer of both is the same: it depends on nothing else."""
    return one.subscription is other.subscription and one.decided_at == other.decided_at


def _time(incoming: Incoming) -> datetime:
    return incoming.event.time


def _shows(account: Account) -> tuple[object, ...]:
    """What the state document is made of."""
    return (
        account.subscription,
        account.version,
        account.balance,
        account.registered,
        account.bound,
        account.capacity,
        account.decided_at,
    )
