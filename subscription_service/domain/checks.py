"""The conditions of an order, one function each: the `Rejection`, or None where nothing stands against it.

`decide` asks them in the order of R41, which is the order of `RejectionCode`'s members and of this file.
"""

from datetime import datetime
from typing import Final, Protocol

from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.types import Edition, Feature, ProtectionMode, Specification
from subscription_service.domain.calendar import billing_day, days_before
from subscription_service.domain.model import Account, Active, Grace, Subscription
from subscription_service.domain.policy import Catalog, FeatureRange, Policy
from subscription_service.domain.quota import bound_shortages, inventory_shortages
from subscription_service.domain.refusals import Rejection
from subscription_service.domain.terms import pending_term

DURATIONS: Final = frozenset((*range(1, 13), 24, 36))
CYCLES: Final = frozenset((1, 3, 12))
_RANK: Final = {edition: rank for rank, edition in enumerate(Edition)}


class Order(Protocol):
    """What R6 looks at."""

    @property
    def terms_accepted(self) -> bool: ...


def already_subscribed(subscription: Subscription | None) -> Rejection | None:
    """R5."""
    live = isinstance(subscription, Active | Grace)
    return Rejection(RejectionCode.ALREADY_SUBSCRIBED) if live else None


def not_active(subscription: Active | Grace) -> Rejection | None:
    """R19: in grace nothing is in force that could be changed now."""
    return Rejection(RejectionCode.NOT_ACTIVE) if isinstance(subscription, Grace) else None


def terms_not_accepted(order: Order) -> Rejection | None:
    """R6."""
    return None if order.terms_accepted else Rejection(RejectionCode.TERMS_NOT_ACCEPTED)


def invalid_duration(months: int) -> Rejection | None:
    """R3."""
    if months in DURATIONS:
        return None
    return Rejection(RejectionCode.INVALID_DURATION, "1 to 12, 24 or 36", months)


def invalid_cycle(months: int) -> Rejection | None:
    """R3, R11."""
    return None if months in CYCLES else Rejection(RejectionCode.INVALID_CYCLE, "1, 3 or 12", months)


def auto_renewal_too_late(subscription: Active | Grace, at: datetime, policy: Policy) -> Rejection | None:
    """R22: the last day is E - 2; `required` states it, `offered` the billing date."""
    last_day = days_before(subscription.terms[-1].expires_on, 2)
    today = billing_day(at, policy.billing_zone)
    if today <= last_day:
        return None
    return Rejection(RejectionCode.AUTO_RENEWAL_TOO_LATE, last_day.isoformat(), today.isoformat())


def feature_out_of_range(specification: Specification, catalog: Catalog) -> Rejection | None:
    """R10, for the first feature in the catalog's order that is out of its range."""
    for feature in Feature:
        amount = specification.value_added.get(feature, 0)
        allowed = catalog.features[feature]
        if not _within(amount, allowed):
            return Rejection(RejectionCode.FEATURE_OUT_OF_RANGE, _range_in_words(allowed), amount, feature.value)
    return None


def pending_renewal_order(subscription: Active | Grace, at: datetime) -> Rejection | None:
    """R17."""
    term = pending_term(subscription, at)
    if term is None:
        return None
    return Rejection(RejectionCode.PENDING_RENEWAL_ORDER, term.starts_at.isoformat(), None, term.order_id)


def mode_change_not_allowed(current: Specification, wanted: Specification) -> Rejection | None:
    """R16: from full to partial, never back."""
    back = current.protection_mode is ProtectionMode.PARTIAL and wanted.protection_mode is ProtectionMode.FULL
    return Rejection(RejectionCode.MODE_CHANGE_NOT_ALLOWED) if back else None


def downgrade_only_at_renewal(current: Specification, wanted: Specification) -> Rejection | None:
    """R19: outside a renewal neither the edition nor honeypot licences go down."""
    code = RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL
    if _RANK[wanted.edition] < _RANK[current.edition]:
        return Rejection(code, current.edition.value, wanted.edition.value, "edition")
    licences = current.value_added.get(Feature.HONEYPOT, 0)
    asked = wanted.value_added.get(Feature.HONEYPOT, 0)
    return Rejection(code, licences, asked, "number of honeypot licences") if asked < licences else None


def below_inventory(account: Account, specification: Specification, catalog: Catalog) -> Rejection | None:
    """R8, R14."""
    return next(iter(inventory_shortages(account, specification, catalog)), None)


def below_bounds(account: Account, specification: Specification, catalog: Catalog) -> Rejection | None:
    """R16: the bounds of the new specification's own mode. Coming from full mode nothing is bound yet."""
    return below_inventory(account, specification, catalog) or next(
        iter(bound_shortages(account, specification, catalog)), None
    )


def _within(amount: int, allowed: FeatureRange) -> bool:
    if amount == 0:
        return True
    in_range = allowed.minimum <= amount and (allowed.maximum is None or amount <= allowed.maximum)
    return in_range and amount > 0 and amount % allowed.step == 0


def _range_in_words(allowed: FeatureRange) -> str:
    least = max(allowed.minimum, allowed.step)
    span = f"{least} or more" if allowed.maximum is None else f"{least} to {allowed.maximum}"
    return f"0, or {span} in steps of {allowed.step}"
