"""What a timer leads to at its instant: one lifecycle event, or none (R15, R20, R29, R31, R34, R35,
R49)."""

from datetime import datetime

from shared.contracts.lifecycle import Expired, LifecycleData, Released, ReleaseDue, SpecificationChanged
from subscription_service.domain.charge_notices import renewal_upcoming
from subscription_service.domain.context import DecisionContext, DecisionTime
from subscription_service.domain.deduction import deduct
from subscription_service.domain.importing import grace_end
from subscription_service.domain.model import Account, Active, Grace, retained_counts
from subscription_service.domain.policy import Rules
from subscription_service.domain.reminders import months_as_is, quote, renewal_due
from subscription_service.domain.terms import change_with_term, differs
from subscription_service.domain.timers import TimerKind


def run_timer(account: Account, kind: TimerKind, *, time: DecisionTime, rules: Rules) -> LifecycleData | None:
    """The event of one kind of timer that is due at `time.at`."""
    subscription = account.subscription
    if isinstance(subscription, Active):
        return _while_active(account, subscription, kind, time=time, rules=rules)
    if isinstance(subscription, Grace):
        return _while_in_grace(account, subscription, kind, time=time, rules=rules)
    return None


def _while_active(
    account: Account, subscription: Active, kind: TimerKind, *, time: DecisionTime, rules: Rules
) -> LifecycleData | None:
    match kind:
        case TimerKind.TERM_START:
            return _start_term(subscription, time)
        case TimerKind.EXPIRY:
            return _expire(account, subscription, time.at, rules)
        case TimerKind.DEDUCTION:
            return deduct(DecisionContext(account, subscription, time.at, rules.of_then(time.at)))
        case TimerKind.NOTICE:
            return renewal_upcoming(DecisionContext(account, subscription, time.at, rules))
        case TimerKind.REMINDER:
            return renewal_due(account, subscription, time=time, rules=rules)
        case _:
            return None


def _while_in_grace(
    account: Account, subscription: Grace, kind: TimerKind, *, time: DecisionTime, rules: Rules
) -> LifecycleData | None:
    match kind:
        case TimerKind.RELEASE_REMINDER:
            return _release_due(account, subscription, time.at, rules)
        case TimerKind.RELEASE:
            held = subscription.terms[-1].specification
            return Released(released_at=time.at, purged=retained_counts(account), specification=held)
        case _:
            return None


def _start_term(subscription: Active, time: DecisionTime) -> SpecificationChanged | None:
    """R15: a term's start has an event only where the specification differs."""
    previous, term = next(
        (before, term)
        for before, term in zip(subscription.terms, subscription.terms[1:], strict=False)
        if term.starts_at == time.at
    )
    if not differs(previous.specification, term.specification):
        return None
    return change_with_term(term, previous.specification, time.at)


def _expire(account: Account, subscription: Active, at: datetime, rules: Rules) -> Expired:
    """R31, R35: everything is retained until 00:00 in the billing zone on E + 1 + `grace_days`."""
    last, policy = subscription.terms[-1], rules.policy
    return Expired(
        expires_on=last.expires_on,
        retained_until=grace_end(last.expires_on, policy),
        retained=retained_counts(account),
        specification=last.specification,
        quote=quote(subscription, months_as_is(subscription), at=at, rules=rules),
    )


def _release_due(account: Account, subscription: Grace, at: datetime, rules: Rules) -> ReleaseDue:
    """R34, with the price of the renewal that would still prevent it."""
    last = subscription.terms[-1]
    return ReleaseDue(
        release_at=subscription.retained_until,
        retained=retained_counts(account),
        expires_on=last.expires_on,
        specification=last.specification,
        quote=quote(subscription, months_as_is(subscription), at=at, rules=rules),
    )
