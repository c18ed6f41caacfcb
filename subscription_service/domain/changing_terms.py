"""What an event that changes the terms makes of a live subscription (R13, R15, R19, R46, R47). `evolve` calls this.

Whatever moves E ends an outstanding failure, and the attempts are those for the new E (R25): none, or where a renewal
was taken back the ones that were made before it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from msgspec import structs

from shared.contracts.lifecycle import Renewed, SpecificationChanged
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended
from shared.contracts.types import Term
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.model import Active, Grace
from subscription_service.domain.policy import Policy
from subscription_service.domain.terms import from_last_ended, is_automatic


def renewed(subscription: Active | Grace, event: Renewed, at: datetime, policy: Policy) -> Active:
    """R13: active, with one more term; those that ended long ago go. A decline ends with it (R28)."""
    terms = (*from_last_ended(subscription.terms, at), event.term)
    return structs.replace(_with_terms(subscription, terms, at, policy), declined=False)


def taken_back(subscription: Active, event: RenewalTakenBack, at: datetime, policy: Policy) -> Active:
    """R46: without its last term. Raises `ValueError` where that is not the event's."""
    *before, last = subscription.terms
    if last.order_id != event.order_id or not before:
        raise ValueError("the event needs a renewal order that is the last one")
    days_before = subscription.anchor_days_before
    return structs.replace(
        _with_terms(subscription, tuple(before), at, policy),
        anchor_day=event.anchor_day,
        auto_renewal=None if event.auto_renewal_off else subscription.auto_renewal,
        taken_back_for=_taken_back_for(subscription, event, billing_day(at, policy.billing_zone)),
        anchor_days_before={order_id: day for order_id, day in days_before.items() if order_id != event.order_id},
    )


def extended(subscription: Active | Grace, event: TermExtended, at: datetime, policy: Policy) -> Active | Grace:
    """R47: the last term ends later; switch and decline stay."""
    *before, last = subscription.terms
    terms = (*before, replace(last, expires_on=event.expires_on, ends_at=event.ends_at))
    if isinstance(subscription, Grace) and event.retained_until is not None:
        return structs.replace(
            subscription, terms=terms, anchor_day=event.anchor_day, retained_until=event.retained_until
        )
    return structs.replace(
        _with_terms(subscription, terms, at, policy),
        anchor_day=event.anchor_day,
        anchor_days_before=_anchor_days_before(subscription, at),
    )


def changed(subscription: Active | Grace, event: SpecificationChanged) -> Active | Grace:
    """A change by order changes the term in force (R19); a change with a term's start stands in that term already."""
    if event.price_difference is None:
        return subscription
    *before, last = subscription.terms
    return structs.replace(subscription, terms=(*before, replace(last, specification=event.specification)))


def _with_terms(subscription: Active | Grace, terms: tuple[Term, ...], at: datetime, policy: Policy) -> Active:
    """Active with terms that end at another E; else as it was."""
    attempts = _attempts_by_expiry(subscription, billing_day(at, policy.billing_zone))
    expires_on = terms[-1].expires_on
    return Active(
        subscription_id=subscription.subscription_id,
        anchor_day=subscription.anchor_day,
        terms=terms,
        auto_renewal=subscription.auto_renewal,
        attempts=attempts.get(expires_on, 0),
        declined=subscription.declined,
        quota_exceeded=subscription.quota_exceeded,
        taken_back_for=subscription.taken_back_for,
        anchor_days_before=subscription.anchor_days_before if isinstance(subscription, Active) else {},
        attempts_for_others={day: made for day, made in attempts.items() if day != expires_on},
    )


def _attempts_by_expiry(subscription: Active | Grace, today: date) -> Mapping[date, int]:
    """The failed attempts for each E; one that is past cannot come again."""
    known = dict(subscription.attempts_for_others)
    if isinstance(subscription, Active) and subscription.attempts:
        known[subscription.terms[-1].expires_on] = subscription.attempts
    return {day: made for day, made in known.items() if day >= today}


def _anchor_days_before(subscription: Active | Grace, at: datetime) -> dict[str, int]:
    """With that of the last term before its first extension; only what is pending can still be taken back (R46)."""
    if isinstance(subscription, Grace):
        return {}
    known = {subscription.terms[-1].order_id: subscription.anchor_day, **subscription.anchor_days_before}
    pending = [term.order_id for term in subscription.terms if term.starts_at > at]
    return {order_id: known[order_id] for order_id in pending if order_id in known}


def _taken_back_for(subscription: Active, event: RenewalTakenBack, today: date) -> tuple[date, ...]:
    """No E that is past can come again, so those are left out."""
    ahead = tuple(day for day in subscription.taken_back_for if day >= today)
    automatic = is_automatic(event.order_id, subscription.subscription_id)
    return (*ahead, event.expires_on) if automatic and event.expires_on not in ahead else ahead
