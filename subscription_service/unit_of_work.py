"""What one transaction decides, worked out in memory without IO: events and timers in, accounts and log entries out.

`batch` and `timer_runner` lock the accounts, run `handle` or `catch_up`, and pass the unit of work to `storage`, which
writes what it collected. Here the answers of `domain.waiting` are applied: which event waits, what comes next. An
`Account` is replaced, never changed, so whatever differs from `LockedAccount.before` is to be stored.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from shared.contracts.acts import AccountErased
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.topics import DEAD_LETTERS, STATE
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.culprits import Culprits
from shared.kafka.dead_letters import dead_letter, dead_letter_line
from shared.kafka.record import Record
from shared.outbox.documents import documents_changed
from shared.outbox.log import Entry
from shared.runtime.log_lines import LogMessage
from shared.storage.event_counts import EventOutcome
from subscription_service import person_data
from subscription_service.domain import waiting
from subscription_service.domain.context import DecisionTime, FactContext
from subscription_service.domain.model import OLDEST_STAMP, Account
from subscription_service.domain.overview import shown_of
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.step import StepResult, refuse, step
from subscription_service.domain.timers import Timer, next_timer, same_timer
from subscription_service.domain.waiting import Schedule, WaitingEvents
from subscription_service.handlers import IN_AN_ORDER, Incoming, Verdict
from subscription_service.log_lines import refused
from subscription_service.outbox_entries import EmittedEvent, lifecycle_entry
from subscription_service.receipts import FOR_A_PURCHASE, FOR_TIMERS, ReceiptOutcome, Receipts


@dataclass(slots=True)
class LockedAccount:
    """One account whose row the transaction has locked; `before` is the account as it was loaded.

    `partition`: where its lifecycle and state go. `revision`: of its state document. `stored_timer`: the next timer of
    `before` where its row tells it, so that it need not be worked out again. `changed_at`: the instant of its new state
    document (UTC), None where that has not changed.
    """

    account: Account
    before: Account
    partition: int
    revision: int
    stored_timer: Timer | None = None
    changed_at: datetime | None = None
    waiting: WaitingEvents[Incoming] = field(default_factory=WaitingEvents)
    _timer_of: Account | None = None
    _timer: Timer | None = None

    def timer(self, policy: Policy) -> Timer | None:
        """Its next timer; worked out only where it may have changed."""
        if self._timer_of is not self.account:
            if self.stored_timer and same_timer(self.account, self.before):
                self._timer = self.stored_timer
            elif self._timer_of is None or not same_timer(self.account, self._timer_of):
                self._timer = next_timer(self.account, policy)
            self._timer_of = self.account
        return self._timer

    def schedule(self, policy: Policy) -> Schedule[Incoming]:
        """What `domain.waiting` reads."""
        return Schedule(self.account, self.timer(policy), self.waiting)

    def next_due_at(self, now: datetime, policy: Policy) -> datetime | None:
        """When `timer_runner` must look at this account again (UTC); None: not until an event comes."""
        return waiting.next_due_at(self.schedule(policy), now)


class UnitOfWork:
    """Collects what one transaction has to store.

    emitted: lifecycle events in order. applied: events that were not refused. ids_to_forget: events that became dead
    letters, whose ids are not spent (R39). refused_imports: those spend no business id (R42). waiting_rows_to_delete:
    ids of rows of the table `waiting`. changed_states: accounts with a new state document. log_messages: what the log
    says once all is committed. The argument `culprits` is that of whoever runs one transaction after another.
    """

    def __init__(
        self,
        *,
        now: datetime,
        rules: Rules,
        locked: Mapping[str, LockedAccount],
        partitions: Mapping[str, int],
        culprits: Culprits,
    ) -> None:
        self.now = now
        self.rules = rules
        self.locked = locked
        self.emitted: list[EmittedEvent] = []
        self.applied: list[Incoming] = []
        self.ids_to_forget: list[Incoming] = []
        self.refused_imports: list[Incoming] = []
        self.waiting_rows_to_delete: list[int] = []
        self.event_counts: Counter[tuple[str, EventOutcome]] = Counter()
        self.dead_letter_counts: Counter[Reason] = Counter()
        self.dead_letters: list[Entry] = []
        self.receipts = Receipts()
        self.log_messages: list[LogMessage] = []
        self._partitions = partitions
        self._culprits = culprits
        self._stopped_waiting: set[str] = set()
        self.changed_states: list[LockedAccount] = []

    def handle(self, events: Iterable[Incoming]) -> Iterator[None]:
        """Decide events in order of arrival, or let them wait (R4, R40). One step per event: the caller may pause."""
        for incoming in events:
            locked = self.locked[incoming.account_id]
            was_known = locked.account.subscription is not None
            self._handle(locked, incoming)
            yield
            if not was_known:
                yield from self._handle_unparked(locked)

    def catch_up(self, accounts: Iterable[LockedAccount], *, read_to: datetime | None = None) -> Iterator[None]:
        """Run all that is due of these accounts, in order. One step per timer or event: the caller may pause.

        `read_to`: what is due after this instant (UTC) waits, since the inputs are read up to it; None for now.
        """
        for locked in accounts:
            while self._advance(locked, read_to):
                yield
                yield from self._handle_unparked(locked)

    def dead_letter(self, incoming: Incoming, reason: Reason, detail: str, error: Exception | None = None) -> None:
        """Make an event a dead letter; it spends no id (R39). `error`: the fault of ours behind it."""
        self.ids_to_forget.append(incoming)
        self.dead_letter_record(incoming.record, incoming.topic, Unreadable(reason, detail), error)

    def dead_letter_record(self, record: Record, topic: str, why: Unreadable, error: Exception | None = None) -> None:
        """Make a record a dead letter that could not be read as an event, or not be applied by a fault of ours."""
        partitions = self._partitions[DEAD_LETTERS]
        self.dead_letters.append(dead_letter(record, why.reason, why.detail, topic=DEAD_LETTERS, partitions=partitions))
        self.log_messages.append(dead_letter_line(record, why.reason, error))
        self.event_counts[topic, EventOutcome.DEAD_LETTER] += 1
        self.dead_letter_counts[why.reason] += 1
        self.receipts.add(record, topic, ReceiptOutcome.DEAD_LETTER, f"{why.reason}: {why.detail}")

    def raise_revisions(self) -> None:
        """Raise the revision of every account whose state document has changed."""
        for locked in self.locked.values():
            changed = locked.account is not locked.before
            if changed and (locked.revision == 0 or shown_of(locked.account) != shown_of(locked.before)):
                locked.revision += 1
                locked.changed_at = self.now
                self.changed_states.append(locked)

    def entries(self) -> Iterator[Entry]:
        """Everything for the log: dead letters, lifecycle events in order, and which state documents have changed."""
        yield from self.dead_letters
        for event in self.emitted:
            yield lifecycle_entry(event, self.locked[event.account_id].partition, self.now)
        changes = ((each.partition, each.account.account_id, each.revision) for each in self.changed_states)
        yield from documents_changed(STATE, changes)

    def changed(self) -> list[LockedAccount]:
        """Accounts whose row must be stored."""
        return [
            locked
            for account_id, locked in self.locked.items()
            if locked.account is not locked.before or locked.waiting or account_id in self._stopped_waiting
        ]

    def _handle(self, locked: LockedAccount, incoming: Incoming) -> None:
        """Do with an event what `waiting.on_arrival` answers; a duplicate is only counted."""
        if incoming.verdict is Verdict.DUPLICATE:
            self._count(incoming, EventOutcome.DUPLICATE)
            self._receipt(incoming, ReceiptOutcome.DUPLICATE)
            return
        policy = self.rules.policy
        answer = waiting.on_arrival(locked.schedule(policy), incoming, now=self.now, policy=policy)
        match answer:
            case waiting.Decide(at):
                self._decide(locked, incoming, at)
            case waiting.Park(until):
                locked.waiting.park(incoming, until)
                self._receipt(incoming, ReceiptOutcome.WAITING, FOR_A_PURCHASE)
            case waiting.Defer():
                locked.waiting.defer(incoming)
                self._receipt(incoming, ReceiptOutcome.WAITING, FOR_TIMERS)
            case waiting.Refuse(at):
                self._refuse(locked, incoming, at)
            case _:
                assert_never(answer)

    def _advance(self, locked: LockedAccount, read_to: datetime | None) -> bool:
        """Do the one thing that `waiting.next_step` answers; False where nothing is due."""
        answer = waiting.next_step(locked.schedule(self.rules.policy), now=self.now, read_to=read_to)
        match answer:
            case waiting.RunTimer(timer):
                self._run(locked, timer)
            case waiting.RefuseOverdue(at):
                self._refuse(locked, self._stop_waiting(locked.waiting.take_overdue()), at)
            case waiting.Decide(at):
                self._decide(locked, self._stop_waiting(locked.waiting.take_deferred()), at)
            case waiting.Refuse(at):
                self._refuse(locked, self._stop_waiting(locked.waiting.take_deferred()), at)
            case waiting.NothingDue():
                return False
            case _:
                assert_never(answer)
        return True

    def _handle_unparked(self, locked: LockedAccount) -> Iterator[None]:
        """Once a purchase was accepted, what waited for it goes on, in order of arrival (R40)."""
        if locked.account.subscription is None or not locked.waiting.parked:
            return
        for incoming in locked.waiting.take_parked():
            self._handle(locked, self._stop_waiting(incoming))
            yield

    def _decide(self, locked: LockedAccount, incoming: Incoming, at: datetime) -> None:
        """One event through the core; a fault of the core makes it a dead letter; many in a row: `Transient`."""
        event = incoming.event
        if incoming.verdict is Verdict.CONFLICT:
            self._handle_conflict(locked, incoming, at)
            return
        time = DecisionTime(at, self.now)
        try:
            result = step(locked.account, event.data, time=time, stamp=incoming.stamp, rules=self.rules)
        except Exception as error:  # noqa: BLE001 - any bug in a decision ends here
            self._culprits.check(incoming.account_id, f"{event.type} {event.id}", error)
            self.dead_letter(incoming, Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}", error)
            self._culprits.add(incoming.account_id)
            return
        self._culprits.forget()
        if isinstance(event.data, AccountErased):
            self._forget_person(locked, incoming, result)
        self._record(locked, incoming, result, at)

    def _forget_person(self, locked: LockedAccount, erasure: Incoming, result: StepResult) -> None:
        """R48, in what was collected before it. One that says nothing has nobody to forget in lifecycle events."""
        if result.events:
            self.emitted = person_data.blanked(self.emitted, erasure.account_id)
        self.dead_letters = person_data.without_values(self.dead_letters, erasure.account_id)
        locked.waiting = person_data.without_persons(locked.waiting, erasure.event.time)

    def _handle_conflict(self, locked: LockedAccount, incoming: Incoming, at: datetime) -> None:
        """R39: an order or an import is refused; what spends another id is a dead letter."""
        kind = incoming.business_keys[0].kind
        if kind in IN_AN_ORDER:
            self._refuse(locked, incoming, at, RejectionCode.ORDER_CONFLICT)
        else:
            self.dead_letter(incoming, Reason.ID_CONFLICT, f"{kind}_id: spent by other content")

    def _refuse(
        self, locked: LockedAccount, incoming: Incoming, at: datetime, code: RejectionCode | None = None
    ) -> None:
        """Without a `code`: the account has no subscription."""
        code = code or RejectionCode.NOT_SUBSCRIBED
        context = FactContext(incoming.stamp, at, self.rules)
        self._record(locked, incoming, refuse(locked.account, incoming.event.data, code, context), at)

    def _record(self, locked: LockedAccount, incoming: Incoming, result: StepResult, at: datetime) -> None:
        """Keep what an event has led to, and count it."""
        self._emit(locked, result, at, incoming)
        if rejected := result.rejected:
            self._count(incoming, EventOutcome.REJECTED)
            self._receipt(incoming, ReceiptOutcome.REJECTED, rejected.code)
            self.log_messages.append(refused(incoming.event, rejected.code))
            if incoming.is_import:
                self.refused_imports.append(incoming)
        else:
            self._count(incoming, EventOutcome.APPLIED)
            self._receipt(incoming, ReceiptOutcome.APPLIED)
            self.applied.append(incoming)

    def _run(self, locked: LockedAccount, timer: Timer) -> None:
        time = DecisionTime(at=timer.at, now=self.now)
        result = step(locked.account, timer, time=time, stamp=OLDEST_STAMP, rules=self.rules)
        self._emit(locked, result, timer.at, timer)

    def _emit(self, locked: LockedAccount, result: StepResult, at: datetime, cause: Incoming | Timer) -> None:
        for version, event in enumerate(result.events, locked.account.version + 1):
            self.emitted.append(EmittedEvent(result.account, version, event, at, cause))
        locked.account = result.account

    def _stop_waiting(self, incoming: Incoming) -> Incoming:
        """Delete its row of `waiting`, if it has one. Should the event have to wait again, it gets another row."""
        if incoming.waiting_id is not None:
            self.waiting_rows_to_delete.append(incoming.waiting_id)
            self.receipts.replace_stored(incoming.record, incoming.topic)
            incoming.waiting_id = None
            self._stopped_waiting.add(incoming.account_id)
        return incoming

    def _receipt(self, incoming: Incoming, outcome: ReceiptOutcome, detail: str = "") -> None:
        self.receipts.add(incoming.record, incoming.topic, outcome, detail)

    def _count(self, incoming: Incoming, outcome: EventOutcome) -> None:
        self.event_counts[incoming.topic, outcome] += 1
