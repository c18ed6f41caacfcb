"""Notice before a charge: when one is due, and the content of `renewal_upcoming` (R49).

It tells what the first attempt for this E will be about, while nothing has been tried for it. Instants are UTC.
"""

from datetime import datetime
from decimal import Decimal

from shared.contracts.lifecycle_auto_renewal import RenewalUpcoming
from shared.contracts.lifecycle_parts import Quote
from shared.contracts.types import Term
from subscription_service.domain.calendar import at_hour, billing_day, days_before, midnight
from subscription_service.domain.context import DecisionContext
from subscription_service.domain.deduction import cycle_at, next_attempt
from subscription_service.domain.model import Account, Active, AutoRenewal
from subscription_service.domain.policy import Policy
from subscription_service.domain.pricing import charge_of
from subscription_service.domain.reminders import obstacles, quote


def next_notice(subscription: Active, after: datetime, policy: Policy) -> datetime | None:
    """The first notice that is due later than `after`; None where none is left before the attempt."""
    auto_renewal = subscription.auto_renewal
    if not policy.charge_notice_days or auto_renewal is None:
        return None
    attempt_at = announced_attempt(subscription, after, policy)
    if attempt_at is None:
        return None
    attempt_day = billing_day(attempt_at, policy.billing_zone)
    for days in policy.charge_notice_days:
        notice = at_hour(days_before(attempt_day, days), policy.charge_notice_hour, policy.billing_zone)
        if notice > after and _is_in_effect(auto_renewal, notice, policy):
            return notice
    return None


def announced_attempt(subscription: Active, after: datetime, policy: Policy) -> datetime | None:
    """The first attempt for this E, later than `after`; None once one was made, and where none is to come."""
    return None if subscription.had_attempt else next_attempt(subscription, after, policy)


def renewal_upcoming(context: DecisionContext) -> RenewalUpcoming | None:
    """R49: what the first attempt will deduct, as of `context.at`; None where that attempt was at the same instant."""
    account, subscription, at, rules = context
    if not isinstance(subscription, Active) or subscription.auto_renewal is None:
        return None
    attempt_at = announced_attempt(subscription, at, rules.policy)
    if attempt_at is None:
        return None
    months = cycle_at(subscription.auto_renewal, attempt_at, rules.policy)
    quoted = quote(subscription, months, at=attempt_at, rules=rules)
    day = billing_day(attempt_at, rules.policy.billing_zone)
    charge = charge_of(quoted.fee, day=day, coupons=account.coupons, balance=account.balance)
    return RenewalUpcoming(
        expires_on=subscription.terms[-1].expires_on,
        attempt_at=attempt_at,
        quote=quoted,
        previous_fee=_previous_fee(account, subscription.terms[-1], quoted),
        discount=charge.discount,
        coupon_id=charge.coupon_id,
        balance=account.balance,
        shortfall=charge.shortfall,
        obstacles=obstacles(account, subscription, rules.catalog),
    )


def _is_in_effect(auto_renewal: AutoRenewal, at: datetime, policy: Policy) -> bool:
    """Whether any setting of it is in effect at `at` (R21)."""
    return auto_renewal.held_cycle is not None or at >= midnight(auto_renewal.effective_on, policy.billing_zone)


def _previous_fee(account: Account, last: Term, quoted: Quote) -> Decimal | None:
    """What the last term was ordered for, where that was the same for as many months."""
    placed = account.placed_orders.get(last.order_id)
    same = placed is not None and (placed.months, placed.specification) == (quoted.months, last.specification)
    return placed.fee if placed is not None and same else None
