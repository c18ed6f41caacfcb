"""One command, one way: facts absorbed, then decided, then evolved, then the facts that follow, then the flag.

`apply` calls `step` for each event in and for each timer; `refuse` where the edge itself has to say no.
The caller guarantees that every timer up to `moment.at` has run (`timers.next_timer`, R4).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from shared.contracts.inbound import INBOUND, InboundData
from shared.contracts.lifecycle import LifecycleData, OrderRejected, RejectionCode, Renewed
from subscription_service.domain.decide import decide
from subscription_service.domain.evolve import evolve
from subscription_service.domain.facts import apply_fact, apply_side_effects
from subscription_service.domain.model import Account, VersionStamp
from subscription_service.domain.policy import Rules
from subscription_service.domain.quota import quota_notice
from subscription_service.domain.refusals import Rejection, sentence
from subscription_service.domain.run_timer import run_timer
from subscription_service.domain.situation import Arrival, Moment, instant_of
from subscription_service.domain.timers import Timer, kinds_at

__all__ = ["Moment", "Outcome", "instant_of", "refuse", "step"]

Outcome = tuple[Account, tuple[LifecycleData, ...]]
"""The account as it is now, and what is to be said."""

_TYPE_OF: Final[Mapping[type[InboundData], str]] = {
    contract: name for types in INBOUND.values() for name, contract in types.items()
}


def step(
    account: Account, command: InboundData | Timer, *, moment: Moment, mark: VersionStamp, rules: Rules
) -> Outcome:
    """Run one command to its end. `mark` orders facts (R37); timers ignore it.

    `version` rises with each event; `decided_at` moves to `moment.at` with events, and with every timer.
    """
    if isinstance(command, Timer):
        return _run(account, command, moment, rules)
    known = apply_fact(account, command, Arrival(mark, moment.at, rules))
    if isinstance(known, Rejection):
        return _rejected(account, command, known, moment.at)
    decision = decide(known, command, at=moment.at, rules=rules)
    if isinstance(decision, Rejection):
        return _rejected(account, command, decision, moment.at)
    return _with_flag(_enact(known, decision, moment.at, rules), decision, moment.at, rules)


def refuse(account: Account, command: InboundData, code: RejectionCode, *, moment: Moment) -> Outcome:
    """Refuse on the edge's word: an order's id taken (R39), or parked too long (R40)."""
    return _rejected(account, command, Rejection(code), moment.at)


def _run(account: Account, timer: Timer, moment: Moment, rules: Rules) -> Outcome:
    """All that is due at the timer's instant; a new E makes what the old one still had due there void (R29)."""
    said: tuple[LifecycleData, ...] = ()
    after = account
    for kind in kinds_at(account, timer.at, rules.policy):
        event = run_timer(after, kind, moment=moment, rules=rules)
        if event is not None:
            said = (*said, event)
            after = _enact(after, (event,), moment.at, rules)
        if isinstance(event, Renewed):
            break
    if not said:
        after = account._replace(decided_at=moment.at)
    return _with_flag(after, said, moment.at, rules)


def _enact(account: Account, events: Iterable[LifecycleData], at: datetime, rules: Rules) -> Account:
    for event in events:
        account = evolve(account, event, at=at, policy=rules.policy)
        account = apply_side_effects(account, event, at=at, catalog=rules.catalog)
    return account


def _with_flag(account: Account, said: tuple[LifecycleData, ...], at: datetime, rules: Rules) -> Outcome:
    """R33, after everything else: also a term's start or a reactivation can flip it."""
    notice = quota_notice(account, at, rules.catalog)
    if notice is None:
        return account, said
    return _enact(account, (notice,), at, rules), (*said, notice)


def _rejected(account: Account, command: InboundData, rejection: Rejection, at: datetime) -> Outcome:
    """R41: nothing changes but the version, and the customer learns why."""
    rejected = OrderRejected(
        order_id=getattr(command, "order_id", None),
        order_type=_TYPE_OF[type(command)],
        code=rejection.code,
        message=sentence(rejection),
        required=rejection.required,
        offered=rejection.offered,
        contact=account.contact or getattr(command, "contact", None),
    )
    return account._replace(version=account.version + 1, decided_at=at), (rejected,)
