"""What a lifecycle event makes of an account. Nothing is refused here: the event has been decided.

Applying all lifecycle events of an account in order rebuilds its subscription, contact, recipients, version and
`decided_at`, takes the fees of automatic renewals off balance and coupons, and gives refunds back. Other facts change
in `facts`. `changing_terms` has what changes the terms.
"""

from datetime import datetime
from typing import assert_never

from msgspec import structs

from shared.contracts import lifecycle, lifecycle_acts, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.lifecycle_parts import AutoRenewalPlan, ImportedState
from subscription_service.domain import changing_terms
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
from subscription_service.domain.terms import from_last_ended, subscription_id_of

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
            return changing_terms.renewed(subscription, event, at, policy)
        case lifecycle_acts.RenewalTakenBack():
            return changing_terms.taken_back(_active(subscription), event, at, policy)
        case lifecycle_acts.TermExtended():
            return changing_terms.extended(subscription, event, at, policy)
        case lifecycle.SpecificationChanged():
            return changing_terms.changed(subscription, event)
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
        attempts_for_others=subscription.attempts_for_others,
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
