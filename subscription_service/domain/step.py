"""One event in, or one timer, from start to end.

The order is fixed: take in the command's facts, decide, apply the resulting events, apply their side effects on facts,
and last see whether the quota flag flips (R33).
`unit_of_work` calls `step` for each event in and for each timer, and `refuse` where an order is refused before it
reaches the rules. Invariant, guaranteed by the caller: every timer due up to `time.at` has run (R4, `waiting`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec import structs

from shared.contracts.inbound import INBOUND_TYPE, InboundData
from shared.contracts.lifecycle import Expired, LifecycleData, OrderRejected, Released, Renewed
from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.domain import erasing
from subscription_service.domain.context import DecisionTime, FactContext
from subscription_service.domain.decide import decide
from subscription_service.domain.evolve import evolve
from subscription_service.domain.facts import apply_fact, apply_side_effects
from subscription_service.domain.model import Account, VersionStamp
from subscription_service.domain.policy import Rules
from subscription_service.domain.quota import quota_change
from subscription_service.domain.refusals import Rejection, sentence
from subscription_service.domain.run_timer import run_timer
from subscription_service.domain.timers import Timer, kinds_at


class StepResult(NamedTuple):
    """The account after a step, and the lifecycle events of the step in order."""

    account: Account
    events: tuple[LifecycleData, ...]

    @property
    def rejected(self) -> OrderRejected | None:
        """The refusal, which stands alone; None where the command was not refused."""
        first = self.events[0] if self.events else None
        return first if isinstance(first, OrderRejected) else None


def step(
    account: Account, command: InboundData | Timer, *, time: DecisionTime, stamp: VersionStamp, rules: Rules
) -> StepResult:
    """Run one command. `stamp` orders facts (R37); a timer ignores it.

    `version` rises by one with each event; `decided_at` becomes `time.at` with events, and with every timer.
    """
    if isinstance(command, Timer):
        return _run(account, command, time, rules)
    return _decide(account, command, FactContext(stamp, time.at, rules))


def refuse(account: Account, command: InboundData, code: RejectionCode, context: FactContext) -> StepResult:
    """Refuse without asking the rules: the order's id is spent (R39), or no purchase came (R40)."""
    return _rejected(account, command, Rejection(code), context)


def _decide(account: Account, command: InboundData, context: FactContext) -> StepResult:
    at, rules = context.at, context.rules
    known = apply_fact(account, command, context)
    if isinstance(known, Rejection):
        return _rejected(account, command, known, context)
    decided = decide(known, command, context)
    if isinstance(decided, Rejection):
        return _rejected(account, command, decided, context)
    events = erasing.without_forgotten(decided, known, command, context.stamp.time)
    after = erasing.note(_apply_events(known, events, at, rules), command, context.stamp.time, before=account)
    return _with_quota_change(after, events, at, rules)


def _run(account: Account, timer: Timer, time: DecisionTime, rules: Rules) -> StepResult:
    """All that is due at the timer's instant. A renewal moves E: what else was due for the old E is dropped (R29); and
    nothing more is due of what has expired or was released.
    """
    events: tuple[LifecycleData, ...] = ()
    after = account
    for kind in kinds_at(account, timer.at, rules.policy):
        event = run_timer(after, kind, time=time, rules=rules)
        if event is not None:
            events = (*events, event)
            after = _apply_events(after, (event,), time.at, rules)
        if isinstance(event, Renewed | Expired | Released):
            break
    if not events:
        after = structs.replace(account, decided_at=time.at)
    return _with_quota_change(after, events, time.at, rules)


def _apply_events(account: Account, events: Iterable[LifecycleData], at: datetime, rules: Rules) -> Account:
    for event in events:
        account = evolve(account, event, at=at, policy=rules.policy)
        account = apply_side_effects(account, event, at=at, catalog=rules.catalog)
    return account


def _with_quota_change(account: Account, events: tuple[LifecycleData, ...], at: datetime, rules: Rules) -> StepResult:
    """R33 comes after everything else, since a term's start or a reactivation can flip the flag too."""
    change = quota_change(account, at, rules.catalog)
    if change is None:
        return StepResult(account, events)
    return StepResult(_apply_events(account, (change,), at, rules), (*events, change))


def _rejected(account: Account, command: InboundData, rejection: Rejection, context: FactContext) -> StepResult:
    """R41: only `version` and `decided_at` change; the one event names code, sentence and values."""
    rejected = OrderRejected(
        order_id=_refused_id(command),
        order_type=INBOUND_TYPE[type(command)],
        code=rejection.code,
        message=sentence(rejection),
        required=rejection.required,
        offered=rejection.offered,
        contact=erasing.contact_of(account, command, context.stamp.time),
        feature=rejection.feature,
        range=rejection.range,
    )
    after = erasing.note_refusal(account, rejected.contact)
    return StepResult(structs.replace(after, version=account.version + 1, decided_at=context.at), (rejected,))


def _refused_id(command: InboundData) -> str | None:
    """The id of what is refused: an order's, an import's (R42) or an extension's (R47)."""
    ids = (getattr(command, name, None) for name in ("order_id", "import_id", "extension_id"))
    refused_id: str | None = next((each for each in ids if each), None)
    return refused_id
