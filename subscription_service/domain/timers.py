"""What is due when, worked out from the account (R4). Instants are UTC.

Every timer up to `Account.decided_at` has run, so the next one is the earliest instant after it. What would have been
due earlier, for a new E, never runs (R29). Up to the restart at which a policy took effect, what the policy before had
due is due, and of the new one only what comes after it (R51).

Timers are of two sorts. *Changes* make another subscription. *Announcements* only tell what is to come; they move
`decided_at` and nothing else, and what comes later is the first of fixed instants after it. So the announcements
between two changes need not be run to be counted (the forecast).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import structs

from shared.contracts.types import ProtectionMode
from subscription_service.domain.calendar import DAY, at_hour, billing_day, days_before
from subscription_service.domain.charge_notices import next_notice
from subscription_service.domain.deduction import next_attempt
from subscription_service.domain.model import Account, Active, Grace, is_partial
from subscription_service.domain.policy import EarlierPolicy, Policy
from subscription_service.domain.terms import pending_term


class TimerKind(StrEnum):
    """What happens without an event in; at the same instant in the order of the members."""

    TERM_START = "term_start"
    EXPIRY = "expiry"
    RELEASE = "release"
    DEDUCTION = "deduction"
    NOTICE = "renewal_upcoming"
    REMINDER = "reminder"
    RELEASE_REMINDER = "release_due"


class Timer(NamedTuple):
    """An instant at which something is due. `kind`: the first; running the timer runs all that is due at `at`."""

    at: datetime
    kind: TimerKind


def next_timer(account: Account, policy: Policy) -> Timer | None:
    """The earliest instant after `decided_at` at which something is due, or None.

    Where only the new policy would have had something due before the restart, that is the restart: nothing happens at
    it, but `decided_at` passes over what is left out (R29, R49, R51).
    """
    earlier = _earlier(account, policy)
    missed = () if earlier is None else _missed(account, earlier)
    first = _first(missed or _planned(account, policy))
    if earlier is None or first is None or missed or first.at > earlier.until:
        return first
    return Timer(earlier.until, first.kind)


def next_action(account: Account, timer: Timer | None, policy: Policy) -> Timer | None:
    """What happens at its next timer, or, where that only passes over what is left out, after it."""
    earlier = policy.earlier
    if timer is None or earlier is None or timer.at != earlier.until:
        return timer
    return _first(_schedule(account, policy))


def same_timer(one: Account, other: Account) -> bool:
    """Whether both have the same next timer and the same place in the list of accounts: nothing else decides these."""
    return one.subscription is other.subscription and one.decided_at == other.decided_at


def next_change(account: Account, policy: Policy) -> Timer | None:
    """The earliest instant after `decided_at` at which a change is due, or None; announcements are passed over."""
    return _first(_changes(account, policy))


def announced_before(account: Account, until: datetime, policy: Policy) -> Sequence[Timer]:
    """Every announcement after `decided_at` and before `until` (UTC), kind by kind, where no change comes between."""
    announced: list[Timer] = []
    for kind, following in _ANNOUNCEMENTS.get(type(account.subscription), ()):
        at = account.decided_at
        while at is not None and (at := following(account.subscription, at, policy)) is not None and at < until:
            announced.append(Timer(at, kind))
    return announced


def kinds_at(account: Account, instant: datetime, policy: Policy) -> Iterator[TimerKind]:
    """All that is due at an instant, in the order in which it runs; each is worked out when it is asked for."""
    return (timer.kind for timer in _schedule(account, policy) if timer.at == instant)


def may_touch_all_servers(account: Account, until: datetime, policy: Policy) -> bool:
    """Whether a timer that is due by `until` (UTC) may need every server: a release (R35), or the start of the first
    term in partial mode (R16). Where a deduction comes before a release, it is said that it may.
    """
    subscription = account.subscription
    match subscription:
        case Grace():
            return subscription.retained_until <= until
        case Active():
            release = subscription.terms[-1].ends_at + (policy.grace_days - 1) * DAY  # no later, whatever the clocks do
            return release <= until or starts_partial_mode(account, subscription, until)
        case _:
            return False


def starts_partial_mode(account: Account, subscription: Active, until: datetime) -> bool:
    """Whether the first term in partial mode starts by `until` (UTC): servers are bound then (R16)."""
    return not is_partial(account) and any(
        term.starts_at <= until and term.specification.protection_mode is ProtectionMode.PARTIAL
        for term in subscription.terms
    )


def _schedule(account: Account, policy: Policy) -> Iterator[Timer]:
    """The next instant of each kind after `decided_at`, in the order of the kinds. Up to the restart: by the policy
    before it, where that had anything due.
    """
    earlier = _earlier(account, policy)
    if earlier is None:
        return _planned(account, policy)
    missed = _missed(account, earlier)
    return iter(missed) if missed else _planned(structs.replace(account, decided_at=earlier.until), policy)


def _missed(account: Account, earlier: EarlierPolicy) -> Sequence[Timer]:
    """What the policy before had due up to the restart, and has not run."""
    return [timer for timer in _schedule(account, earlier.policy) if timer.at <= earlier.until]


def _earlier(account: Account, policy: Policy) -> EarlierPolicy | None:
    """What went before the policy, where the account was last decided before that ended."""
    earlier, after = policy.earlier, account.decided_at
    return earlier if earlier is not None and after is not None and after < earlier.until else None


def _first(timers: Iterable[Timer]) -> Timer | None:
    """The earliest; of several at one instant the first."""
    return min(timers, key=attrgetter("at"), default=None)


def _planned(account: Account, policy: Policy) -> Iterator[Timer]:
    """The next instant of each kind after `decided_at` by this policy alone, in the order of the kinds."""
    yield from _changes(account, policy)
    yield from _announcements(account, policy)


def _changes(account: Account, policy: Policy) -> Iterator[Timer]:
    """Of what changes the subscription, the next instant of each kind."""
    subscription, after = account.subscription, account.decided_at
    if after is None or subscription is None:
        return
    if isinstance(subscription, Active):
        last = subscription.terms[-1]
        pending = pending_term(subscription, after) if last.starts_at > after else None
        if pending is not None:
            yield Timer(pending.starts_at, TimerKind.TERM_START)
        if last.ends_at > after:
            yield Timer(last.ends_at, TimerKind.EXPIRY)
        attempt = next_attempt(subscription, after, policy)
        if attempt is not None:
            yield Timer(attempt, TimerKind.DEDUCTION)
    elif isinstance(subscription, Grace) and subscription.retained_until > after:
        yield Timer(subscription.retained_until, TimerKind.RELEASE)


def _announcements(account: Account, policy: Policy) -> Iterator[Timer]:
    """Of what only tells what is to come, the next instant of each kind."""
    subscription, after = account.subscription, account.decided_at
    if after is None or subscription is None:
        return
    for kind, following in _ANNOUNCEMENTS.get(type(subscription), ()):
        at = following(subscription, after, policy)
        if at is not None:
            yield Timer(at, kind)


def _next_reminder(subscription: Active, after: datetime, policy: Policy) -> datetime | None:
    """R29, R51. Once the renewal was declined, only the last of the listed days counts (R28)."""
    last = subscription.terms[-1]
    listed, hour = policy.reminders_of(last.months, last.specification.edition)
    for days in listed[-1:] if subscription.declined else listed:
        reminder = at_hour(days_before(last.expires_on, days), hour, policy.billing_zone)
        if reminder > after:
            return reminder
    return None


def _next_release_reminder(subscription: Grace, after: datetime, policy: Policy) -> datetime | None:
    """R34: worked out from `retained_until`, which was fixed when grace began (R35)."""
    day_before = days_before(billing_day(subscription.retained_until, policy.billing_zone), 1)
    reminder = at_hour(day_before, policy.release_reminder_hour, policy.billing_zone)
    return reminder if reminder > after else None


_Following: TypeAlias = Callable[[Any, datetime, Policy], datetime | None]
_ANNOUNCEMENTS: Final[Mapping[type, tuple[tuple[TimerKind, _Following], ...]]] = {
    Active: ((TimerKind.NOTICE, next_notice), (TimerKind.REMINDER, _next_reminder)),
    Grace: ((TimerKind.RELEASE_REMINDER, _next_release_reminder),),
}
"""State -> what is announced in it, and what gives the first instant of that after another."""
