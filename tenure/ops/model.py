"""Everything the page knows, folded record by record. Pure: a record and the model in, the model changed.

`FOLDS` is the registry: topic -> what a record of it changes. Each record counts once: `positions` says how far each
partition was folded, and is kept together with the numbers. What cannot be read changes nothing else; it is counted
where a service of ours has written it (what others send becomes a dead letter).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.contracts.topics import (
    DEAD_LETTERS,
    LIFECYCLE,
    NOTIFICATION_DEAD_LETTERS,
    OUTCOMES,
    PURCHASES,
    RENEWALS,
    SERVER_INVENTORY,
    STATE,
    TEST_CLOCK_SETTLED,
)
from shared.kafka.dead_letters import named_account, readable_attributes
from shared.kafka.record import Record
from tenure.ops.accounts import Accounts
from tenure.ops.documents import (
    UNREADABLE,
    LifecycleEvent,
    event_id,
    headers_of,
    kind_of,
    read_clock,
    read_lifecycle,
    read_outcome,
    read_state,
)
from tenure.ops.history import DeadLetter, FailedAttempt, HourlyCounts, Latest, MailOutcome, Rejection, keep
from tenure.ops.latencies import Latencies
from tenure.ops.rates import Rates
from tenure.ops.renewals import Estimates

Place = tuple[str, int]
"""Topic (the contract's name) and partition."""

KEPT_TOPICS: Final = (STATE, LIFECYCLE, OUTCOMES, DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS, TEST_CLOCK_SETTLED)
"""Read from their beginning, or from where the snapshot ends."""
WATCHED_TOPICS: Final = (PURCHASES, RENEWALS, SERVER_INVENTORY)
"""Read from their present ends on: only how many come, when, and under which id."""
_DETAIL_CHARACTERS: Final = 300
_REPLY_CODE: Final = 3
_WORD_CHARACTERS: Final = 40


@dataclass(slots=True)
class Model:
    """The numbers. `positions`: the next offset of each partition; `changes` rises with each record.

    `test_clock`: where the services' time stands, where it is not real time.
    """

    accounts: Accounts
    positions: dict[Place, int] = field(default_factory=dict)
    rejections: HourlyCounts = field(default_factory=HourlyCounts)
    mails: HourlyCounts = field(default_factory=HourlyCounts)
    dead_letters: HourlyCounts = field(default_factory=HourlyCounts)
    latest: Latest = field(default_factory=Latest)
    failed_attempts: dict[str, FailedAttempt] = field(default_factory=dict)
    forgotten: dict[str, int] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)
    rates: Rates = field(default_factory=Rates)
    to_decision: Latencies = field(default_factory=Latencies)
    to_mail: Latencies = field(default_factory=Latencies)
    test_clock: datetime | None = None
    changes: int = 0

    @classmethod
    def empty(cls, estimates: Estimates) -> "Model":
        """A model that has read nothing."""
        return cls(Accounts(estimates))

    def apply(self, topic: str, record: Record, now_ms: int) -> None:
        """Fold one record of a topic (the contract's name), once; `now_ms`: real time, in ms since 1970."""
        if record.offset < self.positions.get((topic, record.partition), 0):
            return
        self.positions[topic, record.partition] = record.offset + 1
        self.changes += 1
        self.rates.add(topic, record.partition, record.timestamp, now_ms)
        try:
            FOLDS[topic](self, record)
        except UNREADABLE:
            self.unreadable[topic] += topic not in WATCHED_TOPICS

    def forget(self, now_ms: int) -> None:
        """Let go what is too old to be shown."""
        for counts in (self.rejections, self.mails, self.dead_letters):
            counts.forget(now_ms)
        self.rates.forget(now_ms)


def _fold_state(model: Model, record: Record) -> None:
    if record.value is None:
        account_id = (record.key or b"").decode()
        model.accounts.remove(account_id)
        model.failed_attempts.pop(account_id, None)
        return
    document = read_state(record.value)
    model.accounts.update(document)
    failed = model.failed_attempts.get(document.account_id)
    if failed is not None and not document.auto_renewal.failing and document.version > failed.version:
        del model.failed_attempts[document.account_id]


def _fold_lifecycle(model: Model, record: Record) -> None:
    event = read_lifecycle(record.value or b"")
    kind = kind_of(event.type)
    model.to_decision.end(event.data.cause.id, record.timestamp)
    begun = model.to_decision.begun(event.data.cause.id)
    model.to_mail.begin(event.id, record.timestamp if begun is None else begun)
    more = _OF_KIND.get(kind)
    if more is not None:
        more(model, record.timestamp, event)


def _add_rejection(model: Model, at_ms: int, event: LifecycleEvent) -> None:
    data = event.data
    code = data.code or "unknown"
    model.rejections.add(code, at_ms)
    rejection = Rejection(at_ms, data.account_id, code, kind_of(data.order_type or "unknown"), data.order_id)
    keep(model.latest.rejections, rejection)


def _add_failed_attempt(model: Model, at_ms: int, event: LifecycleEvent) -> None:
    data, row = event.data, model.accounts.get(event.data.account_id)
    if row is not None and row.version >= data.version and not row.failing:
        return  # its state document, which tells of something later, was read before
    amounts = (str(each or "0.00") for each in (data.fee, data.discount, data.shortfall))
    model.failed_attempts[data.account_id] = FailedAttempt(at_ms, data.version, data.attempt or 0, *amounts)


def _forget_person(model: Model, at_ms: int, event: LifecycleEvent) -> None:
    model.forgotten[event.data.account_id] = at_ms


_OF_KIND: Final[Mapping[str, Callable[[Model, int, LifecycleEvent], None]]] = {
    "order_rejected": _add_rejection,
    "auto_renewal_failed": _add_failed_attempt,
    "erased": _forget_person,
}


def _fold_outcome(model: Model, record: Record) -> None:
    event = read_outcome(record.value or b"")
    data, outcome = event.data, kind_of(event.type)
    if data.channel != "email":
        return
    model.mails.add(f"{outcome} {_cause(outcome, data.reason)}".strip(), record.timestamp)
    if outcome == "delivered":
        model.to_mail.end(data.lifecycle_event_id, record.timestamp)
        return
    kind, reason = kind_of(data.lifecycle_type), data.reason or ""
    where, what = (data.account_id, data.notification_id), (kind, reason[:_DETAIL_CHARACTERS])
    keep(model.latest.mails, MailOutcome(record.timestamp, outcome, *where, *what))


def _cause(outcome: str, reason: str | None) -> str:
    """Why, in one word: a reply of the mail relay is told by its code."""
    if outcome == "delivered" or not reason or not reason.strip():
        return ""
    code = reason[:_REPLY_CODE]
    return code if code.isdecimal() else reason.split()[0][:_WORD_CHARACTERS]


def _fold_dead_letter(topic: str) -> Callable[[Model, Record], None]:
    def fold(model: Model, record: Record) -> None:
        added = {name: (value or b"").decode(errors="replace") for name, value in headers_of(record).items()}
        reason = added.get("dead-letter-reason", "unknown")
        account = named_account(record.key, readable_attributes(record.value, record.headers))
        model.dead_letters.add(reason, record.timestamp)
        letter = DeadLetter(
            at_ms=record.timestamp,
            name=f"{topic}:{record.partition}:{record.offset}",
            reason=reason,
            detail=added.get("dead-letter-detail", "")[:_DETAIL_CHARACTERS],
            source=added.get("dead-letter-topic", ""),
            account_id=(account or "")[:128],
        )
        keep(model.latest.dead_letters, letter)

    return fold


def _fold_input(model: Model, record: Record) -> None:
    identity = event_id(record.value, headers_of(record) if record.headers else {})
    if identity:
        model.to_decision.begin(identity, record.timestamp)


def _fold_clock(model: Model, record: Record) -> None:
    now = read_clock(record.value or b"").data.now
    model.test_clock = max(now, model.test_clock or now)


FOLDS: Final[Mapping[str, Callable[[Model, Record], None]]] = {
    STATE: _fold_state,
    LIFECYCLE: _fold_lifecycle,
    OUTCOMES: _fold_outcome,
    DEAD_LETTERS: _fold_dead_letter(DEAD_LETTERS),
    NOTIFICATION_DEAD_LETTERS: _fold_dead_letter(NOTIFICATION_DEAD_LETTERS),
    TEST_CLOCK_SETTLED: _fold_clock,
    **dict.fromkeys(WATCHED_TOPICS, _fold_input),
}
"""Topic -> what a record of it changes."""
