"""Automatic renewal: when the next attempt to deduct the fee is, and what an attempt does (R20-R27).

An attempt either appends a term and takes its whole fee off the balance (`renewed`), or takes nothing
(`auto_renewal_failed`). Instants are UTC.
"""

from datetime import date, datetime

from shared.contracts.lifecycle import Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import Quote, RenewalMethod
from subscription_service.domain.calendar import DAY, at_hour, billing_day, days_before, end_of, midnight
from subscription_service.domain.context import DecisionContext
from subscription_service.domain.model import Account, Active, AutoRenewal, Grace
from subscription_service.domain.policy import Policy
from subscription_service.domain.pricing import Charge, charge_of, fee, remainder
from subscription_service.domain.terms import automatic_order_id, next_term


def cycle_at(auto_renewal: AutoRenewal, at: datetime, policy: Policy) -> int:
    """The cycle in months that holds at `at`: before 00:00 of `effective_on` it is the previous one (R21)."""
    previous = auto_renewal.held_cycle
    if previous is not None and at < midnight(auto_renewal.effective_on, policy.billing_zone):
        return previous
    return auto_renewal.cycle_months


def next_attempt(subscription: Active, after: datetime, policy: Policy) -> datetime | None:
    """The next scheduled attempt later than `after`; None where auto-renewal is off or no attempt is left before E."""
    auto_renewal = subscription.auto_renewal
    if auto_renewal is None:
        return None
    if subscription.failure is not None:
        planned = subscription.failure.next_attempt_at
        return planned if planned is not None and planned > after else None
    effective = None if auto_renewal.held_cycle is not None else auto_renewal.effective_on
    return first_attempt(subscription.terms[-1].expires_on, effective, after=after, policy=policy)


def first_attempt(expires_on: date, effective_on: date | None, *, after: datetime, policy: Policy) -> datetime | None:
    """The first attempt for E = `expires_on`, later than `after` and no earlier than 00:00 of `effective_on`.

    It is on the first listed day, or, where that has passed, at the next deduction hour, listed or not (R20, R21).
    None where E is over before.
    """
    zone, hour = policy.billing_zone, policy.deduction_hour
    not_before = after if effective_on is None else max(after, midnight(effective_on, zone))
    planned = at_hour(days_before(expires_on, policy.auto_renewal_attempt_days[0]), hour, zone)
    if planned > after and planned >= not_before:
        return planned
    today = billing_day(not_before, zone)
    attempt = at_hour(today, hour, zone)
    if attempt <= after or attempt < not_before:
        attempt = at_hour(today + DAY, hour, zone)
    return attempt if attempt < end_of(expires_on, zone) else None


def first_attempt_for_new_setting(context: DecisionContext, effective_on: date) -> datetime | None:
    """The first attempt where auto-renewal is set now and takes effect on `effective_on` (R21).

    An attempt that the setting before makes until then may fail, and after one that failed the list goes on.
    """
    _, subscription, at, rules = context
    policy, expires_on = rules.policy, subscription.terms[-1].expires_on
    if isinstance(subscription, Active):
        held, effective = next_attempt(subscription, at, policy), midnight(effective_on, policy.billing_zone)
        if held is not None and held < effective:
            return _listed_attempt(expires_on, after=held, not_before=effective, policy=policy)
        if subscription.failure is not None:
            return held
    return first_attempt(expires_on, effective_on, after=at, policy=policy)


def may_deduct(account: Account) -> bool:
    """Whether a timer may try to deduct a fee: auto-renewal is on."""
    return isinstance(account.subscription, Active) and account.subscription.auto_renewal is not None


def retries_after_credit(account: Account) -> bool:
    """Whether a credit tries to deduct at once: a failed attempt is outstanding (R25)."""
    return isinstance(account.subscription, Active) and account.subscription.failure is not None


def deduct(context: DecisionContext) -> Renewed | AutoRenewalFailed | None:
    """Try to pay for the next cycle at `context.at`; None where auto-renewal is off, or in grace (R20, R24, R27)."""
    account, subscription, at, rules = context
    auto_renewal = subscription.auto_renewal
    if auto_renewal is None or isinstance(subscription, Grace):
        return None
    months = cycle_at(auto_renewal, at, rules.policy)
    price = fee(subscription.terms[-1].specification, months, rules.prices_at(at))
    day = billing_day(at, rules.policy.billing_zone)
    charge = charge_of(price, day=day, coupons=account.coupons, balance=account.balance)
    if charge.shortfall:  # a debt fails a fee of 0.00 too (R45)
        return _failed(context, months, charge)
    return _renewed(context, months, charge)


def retry_after_credit(context: DecisionContext) -> Renewed | AutoRenewalFailed | None:
    """One more attempt at once, where a failed one is outstanding; else None (R25)."""
    return deduct(context) if retries_after_credit(context.account) else None


def _renewed(context: DecisionContext, months: int, charge: Charge) -> Renewed:
    account, subscription, _, rules = context
    last = subscription.terms[-1]
    # An id of its own where an order for the same E was taken back (R46).
    version = account.version + 1 if last.expires_on in subscription.taken_back_for else None
    term = next_term(
        subscription,
        automatic_order_id(subscription.subscription_id, last.expires_on, version=version),
        months=months,
        specification=last.specification,
        policy=rules.policy,
    )
    return Renewed(
        order_id=term.order_id,
        method=RenewalMethod.AUTOMATIC,
        term=term,
        expires_on=term.expires_on,
        ends_at=term.ends_at,
        reactivated=False,
        fee=charge.fee,
        discount=charge.discount,
        charged=charge.charged,
        coupon_id=charge.coupon_id,
        balance_after=remainder(account.balance, charge.charged),
        currency=rules.catalog.currency,
        price=Quote(months=months, fee=charge.fee, currency=rules.catalog.currency),
    )


def _failed(context: DecisionContext, months: int, charge: Charge) -> AutoRenewalFailed:
    account, subscription, at, rules = context
    last = subscription.terms[-1]
    made = subscription.attempts if isinstance(subscription, Active) else 0
    return AutoRenewalFailed(
        fee=charge.fee,
        discount=charge.discount,
        balance=account.balance,
        shortfall=charge.shortfall,
        attempt=1 + made,
        next_attempt_at=_listed_attempt(last.expires_on, after=at, not_before=at, policy=rules.policy),
        currency=rules.catalog.currency,
        months=months,
        specification=last.specification,
        expires_on=last.expires_on,
        ends_at=last.ends_at,
    )


def _listed_attempt(expires_on: date, *, after: datetime, not_before: datetime, policy: Policy) -> datetime | None:
    """The first instant of the policy's list for this E that is later than `after` and not before `not_before`."""
    for days in policy.auto_renewal_attempt_days:
        attempt = at_hour(days_before(expires_on, days), policy.deduction_hour, policy.billing_zone)
        if attempt > after and attempt >= not_before:
            return attempt
    return None
