"""What a lifecycle event makes of an account. Nothing is refused here: the event has been decided.

Applying all lifecycle events of an account in order rebuilds its subscription, contact, recipients, version and
`decided_at`, takes the fees of automatic renewals off balance and coupons, and gives refunds back. Other facts change
in `facts`.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import assert_never

from msgspec import structs

from shared.contracts import lifecycle, lifecycle_acts, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.lifecycle_parts import AutoRenewalPlan, ImportedState
from subscription_service.domain.calendar import billing_day, midnight
from subscription_service.domain.deduction import cycle_at
from subscription_service.domain.model import (
    Account,
    Active,
    AutoRenewal,
    Failure,
    Grace,
    Released,
    Subscription,
)
from subscription_service.domain.policy import Policy
from subscription_service.domain.terms import from_last_ended, is_automatic, subscription_id_of

TermsChangingEvent = (
    lifecycle.Renewed | lifecycle_acts.RenewalTakenBack | lifecycle_acts.TermExtended | lifecycle.SpecificationChanged
)
TermsKeepingEvent = (
    lifecycle.Expired
    | lifecycle_auto_renewal.AutoRenewalFailed
    | lifecycle.QuotaExceeded
    | lifecycle.QuotaRestored
    | lifecycle_auto_renewal.AutoRenewalSwitchedOn
    | lifecycle_auto_renewal.AutoRenewalSwitchedOff
    | lifecycle.RenewalDeclineNoted
)


def evolve(account: Account, event: LifecycleData, *, at: datetime, policy: Policy) -> Account:
    """`account` after `event`, decided at `at` (UTC). Raises `ValueError` for an event that cannot follow on it."""
    after = structs.replace(
        account,
        version=account.version + 1,
        decided_at=at,
        subscription=_subscription(account.subscription, event, at, policy),
    )
    match event:
        case lifecycle.Activated() | lifecycle_acts.Imported() | lifecycle.ContactReplaced():
            return structs.replace(after, contact=event.contact)
        case lifecycle_acts.PersonErased():
            return structs.replace(after, contact=None, recipients=account.recipients._replace(entries=()))
        case lifecycle.RecipientsReplaced(recipients=entries):
            return structs.replace(after, recipients=account.recipients._replace(entries=entries or ()))
        case lifecycle_acts.RenewalTakenBack():
            return structs.replace(after, balance=event.balance_after)
        case lifecycle.Renewed(balance_after=balance) if balance is not None:
            coupons = tuple(coupon for coupon in account.coupons if coupon.coupon_id != event.coupon_id)
            return structs.replace(after, balance=balance, coupons=coupons)
        case _:
            return after


def _subscription(
    subscription: Subscription | None, event: LifecycleData, at: datetime, policy: Policy
) -> Subscription | None:
    match event:
        case lifecycle.Activated() | lifecycle_acts.Imported():
            return _begun(event, at, policy)
        case (
            lifecycle.OrderRejected()
            | lifecycle.ContactReplaced()
            | lifecycle.RecipientsReplaced()
            | lifecycle_acts.PersonErased()
        ):
            return subscription
        case lifecycle.RenewalDue() | lifecycle_auto_renewal.RenewalUpcoming() | lifecycle.ReleaseDue():
            return subscription
        case lifecycle.Released():
            return Released(subscription_id=_live(subscription).subscription_id, released_at=event.released_at)
        case (
            lifecycle.Renewed()
            | lifecycle_acts.RenewalTakenBack()
            | lifecycle_acts.TermExtended()
            | lifecycle.SpecificationChanged()
        ):
            return _with_other_terms(_live(subscription), event, at, policy)
        case _:
            return _with_same_terms(_live(subscription), event, at, policy)


def _with_other_terms(
    subscription: Active | Grace, event: TermsChangingEvent, at: datetime, policy: Policy
) -> Active | Grace:
    """A live subscription after an event that changes its terms."""
    match event:
        case lifecycle.Renewed():
            return _renewed(subscription, event, at)
        case lifecycle_acts.RenewalTakenBack():
            return _taken_back(_active(subscription), event, at, policy)
        case lifecycle_acts.TermExtended():
            return _extended(subscription, event, at)
        case lifecycle.SpecificationChanged():
            return _changed(subscription, event)
        case _:
            assert_never(event)


def _with_same_terms(
    subscription: Active | Grace, event: TermsKeepingEvent, at: datetime, policy: Policy
) -> Active | Grace:
    """A live subscription after an event that leaves its terms as they are."""
    match event:
        case lifecycle.Expired():
            return _in_grace(subscription, event.retained_until)
        case lifecycle_auto_renewal.AutoRenewalFailed():
            failure = Failure(next_attempt_at=event.next_attempt_at)
            return structs.replace(_active(subscription), attempts=event.attempt, failure=failure)
        case lifecycle.QuotaExceeded() | lifecycle.QuotaRestored():
            return structs.replace(subscription, quota_exceeded=isinstance(event, lifecycle.QuotaExceeded))
        case lifecycle_auto_renewal.AutoRenewalSwitchedOn():
            return _switched_on(subscription, event, at, policy)
        case lifecycle_auto_renewal.AutoRenewalSwitchedOff():
            return _switched_off(subscription, declined=subscription.declined)
        case lifecycle.RenewalDeclineNoted():
            return _switched_off(subscription, declined=True)
        case _:
            assert_never(event)


def _live(subscription: Subscription | None) -> Active | Grace:
    if isinstance(subscription, Active | Grace):
        return subscription
    raise ValueError("the event needs a subscription that is active or in grace")


def _active(subscription: Active | Grace) -> Active:
    if isinstance(subscription, Active):
        return subscription
    raise ValueError("the event needs a subscription that is active")


def _begun(event: lifecycle.Activated | lifecycle_acts.Imported, at: datetime, policy: Policy) -> Active | Grace:
    return _activated(event, policy) if isinstance(event, lifecycle.Activated) else _imported(event, at)


def _activated(event: lifecycle.Activated, policy: Policy) -> Active:
    return Active(
        subscription_id=subscription_id_of(event.order_id),
        anchor_day=billing_day(event.term.starts_at, policy.billing_zone).day,
        terms=(event.term,),
        auto_renewal=_planned(event.auto_renewal),
    )


def _imported(event: lifecycle_acts.Imported, at: datetime) -> Active | Grace:
    """R42-R44: as it stood in the other system; terms that ended long ago are in the order list only."""
    subscription = Active(
        subscription_id=subscription_id_of(event.terms[0].order_id),
        anchor_day=event.anchor_day,
        terms=from_last_ended(event.terms, at),
        auto_renewal=_planned(event.auto_renewal),
        declined=event.declined,
        quota_exceeded=event.quota_exceeded,
    )
    if event.state is ImportedState.ACTIVE or event.retained_until is None:
        return subscription
    return _in_grace(subscription, event.retained_until)


def _planned(plan: AutoRenewalPlan | None) -> AutoRenewal | None:
    if plan is None:
        return None
    return AutoRenewal(cycle_months=plan.cycle_months, effective_on=plan.effective_on)


def _renewed(subscription: Active | Grace, event: lifecycle.Renewed, at: datetime) -> Active:
    """Active, with one more term; those that ended long ago go.

    Failure and attempts end with the old E (R25), a decline with the renewal (R28).
    """
    return Active(
        subscription_id=subscription.subscription_id,
        anchor_day=subscription.anchor_day,
        terms=(*from_last_ended(subscription.terms, at), event.term),
        auto_renewal=subscription.auto_renewal,
        quota_exceeded=subscription.quota_exceeded,
        taken_back_for=subscription.taken_back_for,
        anchor_days_before=subscription.anchor_days_before if isinstance(subscription, Active) else {},
    )


def _taken_back(subscription: Active, event: lifecycle_acts.RenewalTakenBack, at: datetime, policy: Policy) -> Active:
    """R46: without its last term. Failure and attempts end with the old E; for the new one they begin anew."""
    *before, last = subscription.terms
    if last.order_id != event.order_id or not before:
        raise ValueError("the event needs a renewal order that is the last one")
    return structs.replace(
        subscription,
        anchor_day=event.anchor_day,
        terms=tuple(before),
        auto_renewal=None if event.auto_renewal_off else subscription.auto_renewal,
        attempts=0,
        failure=None,
        taken_back_for=_taken_back_for(subscription, event, billing_day(at, policy.billing_zone)),
        anchor_days_before={
            order_id: day for order_id, day in subscription.anchor_days_before.items() if order_id != event.order_id
        },
    )


def _extended(subscription: Active | Grace, event: lifecycle_acts.TermExtended, at: datetime) -> Active | Grace:
    """R47: the last term ends later. Failure and attempts end with the old E; switch and decline stay."""
    *before, last = subscription.terms
    terms = (*before, replace(last, expires_on=event.expires_on, ends_at=event.ends_at))
    if isinstance(subscription, Grace) and event.retained_until is not None:
        return structs.replace(
            subscription, terms=terms, anchor_day=event.anchor_day, retained_until=event.retained_until
        )
    return Active(
        subscription_id=subscription.subscription_id,
        anchor_day=event.anchor_day,
        terms=terms,
        auto_renewal=subscription.auto_renewal,
        declined=subscription.declined,
        quota_exceeded=subscription.quota_exceeded,
        taken_back_for=subscription.taken_back_for,
        anchor_days_before=_anchor_days_before(subscription, at),
    )


def _anchor_days_before(subscription: Active | Grace, at: datetime) -> dict[str, int]:
    """With that of the last term before its first extension; only what is pending can still be taken back (R46)."""
    if isinstance(subscription, Grace):
        return {}
    known = {subscription.terms[-1].order_id: subscription.anchor_day, **subscription.anchor_days_before}
    pending = [term.order_id for term in subscription.terms if term.starts_at > at]
    return {order_id: known[order_id] for order_id in pending if order_id in known}


def _taken_back_for(subscription: Active, event: lifecycle_acts.RenewalTakenBack, today: date) -> tuple[date, ...]:
    """No E that is past can come again, so those are left out."""
    ahead = tuple(day for day in subscription.taken_back_for if day >= today)
    automatic = is_automatic(event.order_id, subscription.subscription_id)
    return (*ahead, event.expires_on) if automatic and event.expires_on not in ahead else ahead


def _changed(subscription: Active | Grace, event: lifecycle.SpecificationChanged) -> Active | Grace:
    """A change by order changes the term in force (R19); a change with a term's start stands in that term already."""
    if event.price_difference is None:
        return subscription
    *before, last = subscription.terms
    return structs.replace(subscription, terms=(*before, replace(last, specification=event.specification)))


def _in_grace(subscription: Active | Grace, retained_until: datetime) -> Grace:
    """R31. An outstanding failure ends with its E, the auto-renewal setting stays (R25)."""
    return Grace(
        subscription_id=subscription.subscription_id,
        anchor_day=subscription.anchor_day,
        terms=subscription.terms,
        retained_until=retained_until,
        auto_renewal=subscription.auto_renewal,
        declined=subscription.declined,
        quota_exceeded=subscription.quota_exceeded,
        taken_back_for=subscription.taken_back_for,
    )


def _switched_on(
    subscription: Active | Grace, event: lifecycle_auto_renewal.AutoRenewalSwitchedOn, at: datetime, policy: Policy
) -> Active | Grace:
    """R21. A decline ends with it (R28)."""
    auto_renewal = AutoRenewal(
        cycle_months=event.cycle_months,
        effective_on=event.effective_on,
        held_cycle=_held_cycle(subscription.auto_renewal, at, policy),
    )
    return structs.replace(subscription, auto_renewal=auto_renewal, declined=False)


def _switched_off(subscription: Active | Grace, *, declined: bool) -> Active | Grace:
    """R28. An outstanding failure ends with it."""
    if isinstance(subscription, Active):
        return structs.replace(subscription, auto_renewal=None, failure=None, declined=declined)
    return structs.replace(subscription, auto_renewal=None, declined=declined)


def _held_cycle(before: AutoRenewal | None, at: datetime, policy: Policy) -> int | None:
    """The cycle that holds until a new setting takes effect; None where none was in effect yet (R21)."""
    if before is None or (before.held_cycle is None and at < midnight(before.effective_on, policy.billing_zone)):
        return None
    return cycle_at(before, at, policy)
