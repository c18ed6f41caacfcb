"""Reasons to refuse an order, one function each: it gives a `Rejection`, or None where the reason does not hold.

`decide` and `switching` ask them in the order of R41. That is also the order of `RejectionCode`'s members and of this
file.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from shared.contracts.fields import DURATIONS
from shared.contracts.imported import LAST_YEAR
from shared.contracts.lifecycle_parts import QuantityRange, RejectionCode
from shared.contracts.types import Edition, Feature, ProtectionMode, Specification
from subscription_service.domain.calendar import billing_day, days_before
from subscription_service.domain.context import DecisionContext
from subscription_service.domain.model import Account, Active, Grace, Subscription
from subscription_service.domain.policy import Catalog, FeatureRange, Policy
from subscription_service.domain.pricing import LARGEST_PRICE
from subscription_service.domain.quota import bound_shortages, inventory_shortages
from subscription_service.domain.refusals import Rejection
from subscription_service.domain.terms import pending_term

CYCLES: Final = frozenset((1, 3, 12))
"""Months that auto-renewal can renew for (R3)."""

_YEARS_AHEAD: Final = 100
"""So far ahead can a subscription be renewed: every term that has not ended stands in each state document."""

_RANK: Final = {edition: rank for rank, edition in enumerate(Edition)}
"""Edition -> its place from the smallest to the largest."""


class Order(Protocol):
    """An order for which the terms of service must be accepted."""

    @property
    def terms_accepted(self) -> bool: ...


def live(subscription: Subscription | None) -> Active | Grace | Rejection:
    """R12, R40: the subscription where it is active or in grace; otherwise why nothing can be done with it."""
    if isinstance(subscription, Active | Grace):
        return subscription
    return Rejection(RejectionCode.SUBSCRIPTION_RELEASED if subscription else RejectionCode.NOT_SUBSCRIBED)


def already_subscribed(subscription: Subscription | None) -> Rejection | None:
    """R5: there is a subscription that is active or in grace."""
    live = isinstance(subscription, Active | Grace)
    return Rejection(RejectionCode.ALREADY_SUBSCRIBED) if live else None


def import_expired(retained_until: datetime, at: datetime) -> Rejection | None:
    """R42: the grace of the imported subscription would be over at `at` (UTC). `required`: its end; `offered`: `at`."""
    if at < retained_until:
        return None
    return Rejection(RejectionCode.IMPORT_EXPIRED, retained_until.isoformat(), at.isoformat())


def not_active(subscription: Active | Grace) -> Rejection | None:
    """R19: in grace no term is in force whose specification could change now."""
    return Rejection(RejectionCode.NOT_ACTIVE) if isinstance(subscription, Grace) else None


def order_not_pending(subscription: Active | Grace, order_id: str, at: datetime) -> Rejection | None:
    """R46: only the last term can be taken back, before it has started. `required`: its order id where there is such a
    term; `offered`: the order that is named.
    """
    last = subscription.terms[-1]
    pending = last.order_id if last.starts_at > at else None
    if order_id == pending:
        return None
    return Rejection(RejectionCode.ORDER_NOT_PENDING, pending, order_id)


def expectation_failed(subscription: Active | Grace, expected: date) -> Rejection | None:
    """R47: E is not the one that the operator knows. `required`: E; `offered`: what was expected."""
    expires_on = subscription.terms[-1].expires_on
    if expected == expires_on:
        return None
    return Rejection(RejectionCode.EXPECTATION_FAILED, expires_on.isoformat(), expected.isoformat())


def terms_not_accepted(order: Order) -> Rejection | None:
    """R6."""
    return None if order.terms_accepted else Rejection(RejectionCode.TERMS_NOT_ACCEPTED)


def invalid_duration(months: int, begins_on: date, *, today: date) -> Rejection | None:
    """R3, for a term that begins on that billing day; it must end within 100 years, and within the calendar."""
    if months not in DURATIONS:
        return Rejection(RejectionCode.INVALID_DURATION, "1 to 12, 24 or 36", months)
    if begins_on.year + months // 12 >= min(today.year + _YEARS_AHEAD, LAST_YEAR):
        return Rejection(RejectionCode.INVALID_DURATION, "fewer" if months > 1 else "no more", months)
    return None


def invalid_duration_of_renewal(context: DecisionContext, months: int) -> Rejection | None:
    """R3, for the term after the last one."""
    today = billing_day(context.at, context.rules.policy.billing_zone)
    return invalid_duration(months, context.subscription.terms[-1].expires_on, today=today)


def invalid_cycle(months: int) -> Rejection | None:
    """R3, R11, for auto-renewal."""
    return None if months in CYCLES else Rejection(RejectionCode.INVALID_CYCLE, "1, 3 or 12", months)


def auto_renewal_too_late(subscription: Active | Grace, at: datetime, policy: Policy) -> Rejection | None:
    """R22: the last day on which it can be enabled is E - 2 (`required`); `offered`: the billing day of `at`."""
    last_day = days_before(subscription.terms[-1].expires_on, 2)
    today = billing_day(at, policy.billing_zone)
    if today <= last_day:
        return None
    return Rejection(RejectionCode.AUTO_RENEWAL_TOO_LATE, last_day.isoformat(), today.isoformat())


def feature_out_of_range(specification: Specification, catalog: Catalog) -> Rejection | None:
    """R10: names the first feature, in the order of `Feature`, whose amount is not allowed."""
    amounts = specification.value_added
    wrong = {
        feature for feature, amount in amounts.items() if amount and not _within(amount, catalog.features[feature])
    }
    if not wrong:
        return None
    feature = next(each for each in Feature if each in wrong)
    allowed = catalog.features[feature]
    span = QuantityRange(minimum=max(allowed.minimum, allowed.step), maximum=allowed.maximum, step=allowed.step)
    words = _range_in_words(span)
    return Rejection(RejectionCode.FEATURE_OUT_OF_RANGE, words, amounts[feature], feature.value, feature, span)


def amount_out_of_range(price: Decimal) -> Rejection | None:
    """R41: the price of the term passes `LARGEST_PRICE`. `required`: that; `offered`: the price."""
    if price <= LARGEST_PRICE:
        return None
    return Rejection(RejectionCode.AMOUNT_OUT_OF_RANGE, str(LARGEST_PRICE), str(price))


def pending_renewal_order(subscription: Active | Grace, at: datetime) -> Rejection | None:
    """R17. `required`: the start of the pending term."""
    term = pending_term(subscription, at)
    if term is None:
        return None
    return Rejection(RejectionCode.PENDING_RENEWAL_ORDER, term.starts_at.isoformat(), None, term.order_id)


def mode_change_not_allowed(current: Specification, wanted: Specification) -> Rejection | None:
    """R16: from full to partial, never back."""
    back = current.protection_mode is ProtectionMode.PARTIAL and wanted.protection_mode is ProtectionMode.FULL
    return Rejection(RejectionCode.MODE_CHANGE_NOT_ALLOWED) if back else None


def downgrade_only_at_renewal(current: Specification, wanted: Specification) -> Rejection | None:
    """R19: outside a renewal neither the edition nor the number of honeypot licences goes down."""
    code = RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL
    if _RANK[wanted.edition] < _RANK[current.edition]:
        return Rejection(code, current.edition.value, wanted.edition.value, "edition")
    current_licences = current.value_added.get(Feature.HONEYPOT, 0)
    wanted_licences = wanted.value_added.get(Feature.HONEYPOT, 0)
    if wanted_licences < current_licences:
        return Rejection(code, current_licences, wanted_licences, "number of honeypot licences")
    return None


def below_inventory(account: Account, specification: Specification, catalog: Catalog) -> Rejection | None:
    """R8, R14: full protection covers every registered server and core. Servers are named before cores."""
    return next(iter(inventory_shortages(account, specification, catalog)), None)


def below_minimum_quota(account: Account, specification: Specification, catalog: Catalog) -> Rejection | None:
    """R16: the minimum quota of the new specification's own mode. Coming from full mode nothing is bound yet."""
    return below_inventory(account, specification, catalog) or next(
        iter(bound_shortages(account, specification, catalog)), None
    )


def _within(amount: int, allowed: FeatureRange) -> bool:
    in_range = allowed.minimum <= amount and (allowed.maximum is None or amount <= allowed.maximum)
    return in_range and amount > 0 and amount % allowed.step == 0


def _range_in_words(allowed: QuantityRange) -> str:
    span = f"{allowed.minimum} or more" if allowed.maximum is None else f"{allowed.minimum} to {allowed.maximum}"
    return f"0, or {span} in steps of {allowed.step}"
