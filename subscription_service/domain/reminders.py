"""The content of `renewal_due`: days left, a quote, what would refuse a renewal now, what auto-renewal will do (R30).

Quote and obstacles are also the answer of `/api/accounts/{id}/quote`.
"""

from dataclasses import replace
from datetime import datetime

from shared.contracts.lifecycle import RenewalDue
from shared.contracts.lifecycle_parts import AutoRenewalStatus, Obstacle, Quote
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.deduction import cycle_at, next_attempt
from subscription_service.domain.model import Account, Active, Grace
from subscription_service.domain.policy import Catalog, Policy, Rules
from subscription_service.domain.pricing import charge_of, quoted
from subscription_service.domain.quota import inventory_shortages


def renewal_due(account: Account, subscription: Active, *, time: DecisionTime, rules: Rules) -> RenewalDue:
    """R29, R30. Days are counted from `time.now`, which after a downtime is later than `time.at`.

    The quote is for the cycle that the next attempt will use (R21) and by the list of its day, where one is to come;
    else for the cycle and by the list of `time.at` (R50).
    """
    last = subscription.terms[-1]
    today = billing_day(time.now, rules.policy.billing_zone)
    attempt_at = next_attempt(subscription, time.at, rules.policy)
    quoted_at = attempt_at or time.at
    status = _auto_renewal_status(subscription, attempt_at)
    due = RenewalDue(
        expires_on=last.expires_on,
        ends_at=last.ends_at,
        days_left=max(0, (last.expires_on - today).days),
        quote=quote(subscription, _months_at(subscription, quoted_at, rules.policy), at=quoted_at, rules=rules),
        obstacles=obstacles(account, subscription, rules.catalog),
        auto_renewal=status,
        specification=last.specification,
    )
    deducts = status in (AutoRenewalStatus.WILL_CHARGE, AutoRenewalStatus.FAILED)
    return _with_deduction(due, account, attempt_at, at=time.at, policy=rules.policy) if deducts else due


def months_as_is(subscription: Active | Grace) -> int:
    """The months of a renewal as is: the auto-renewal cycle as it was last set, else the last term's months (R30)."""
    if subscription.auto_renewal is not None:
        return subscription.auto_renewal.cycle_months
    return subscription.terms[-1].months


def quote(subscription: Active | Grace, months: int, *, at: datetime, rules: Rules) -> Quote:
    """The price of renewing the last term's specification for so many months, by the list in force at `at` (UTC)."""
    return quoted(subscription.terms[-1].specification, months, at=at, rules=rules)


def obstacles(account: Account, subscription: Active | Grace, catalog: Catalog) -> tuple[Obstacle, ...]:
    """What would refuse a renewal as is now: required and offered servers or cores (R14)."""
    shortages = inventory_shortages(account, subscription.terms[-1].specification, catalog)
    return tuple(
        Obstacle(code=shortage.code, required=shortage.required, offered=shortage.offered) for shortage in shortages
    )


def _months_at(subscription: Active, at: datetime, policy: Policy) -> int:
    """The months of a renewal as is, with the cycle that holds at `at` (UTC)."""
    auto_renewal = subscription.auto_renewal
    return months_as_is(subscription) if auto_renewal is None else cycle_at(auto_renewal, at, policy)


def _with_deduction(
    due: RenewalDue, account: Account, attempt_at: datetime | None, *, at: datetime, policy: Policy
) -> RenewalDue:
    """With what the next attempt will need; without a planned one, with what one after a credit would need now."""
    day = billing_day(attempt_at or at, policy.billing_zone)
    charge = charge_of(due.quote.fee, day=day, coupons=account.coupons, balance=account.balance)
    return replace(
        due,
        attempt_at=attempt_at,
        discount=charge.discount,
        coupon_id=charge.coupon_id,
        balance=account.balance,
        shortfall=charge.shortfall,
    )


def _auto_renewal_status(subscription: Active, attempt_at: datetime | None) -> AutoRenewalStatus:
    """Auto-renewal that is on but has no attempt left before E counts as off."""
    if subscription.declined:
        return AutoRenewalStatus.DECLINED
    if subscription.failure is not None:
        return AutoRenewalStatus.FAILED
    return AutoRenewalStatus.OFF if attempt_at is None else AutoRenewalStatus.WILL_CHARGE
