"""The terms of a subscription: the first, the next, the pending one, and what differs between two (R1, R2, R13, R17).

Also the two ids that the rules make. Both are worked out from what is known, so that a replay makes the same ones.
"""

from datetime import date, datetime
from hashlib import blake2b

from shared.contracts.lifecycle import SpecificationChanged
from shared.contracts.purchases import PurchaseOrdered
from shared.contracts.types import Specification, Term
from subscription_service.domain.calendar import add_months, billing_day, end_of
from subscription_service.domain.model import Active, Grace
from subscription_service.domain.policy import Policy


def first_term(order: PurchaseOrdered, at: datetime, policy: Policy) -> Term:
    """The term of a purchase: it starts at `at` (UTC), whose billing day is the anchor day (R1, R2)."""
    day = billing_day(at, policy.billing_zone)
    expires_on = add_months(day, order.duration_months, day.day)
    return Term(
        order_id=order.order_id,
        starts_at=at,
        ends_at=end_of(expires_on, policy.billing_zone),
        expires_on=expires_on,
        months=order.duration_months,
        specification=order.specification,
    )


def next_term(
    subscription: Active | Grace, order_id: str, *, months: int, specification: Specification, policy: Policy
) -> Term:
    """The term after the last one; in grace too it starts where that ended (R13, R32)."""
    last = subscription.terms[-1]
    expires_on = add_months(last.expires_on, months, subscription.anchor_day)
    return Term(
        order_id=order_id,
        starts_at=last.ends_at,
        ends_at=end_of(expires_on, policy.billing_zone),
        expires_on=expires_on,
        months=months,
        specification=specification,
    )


def from_last_ended(terms: tuple[Term, ...], at: datetime) -> tuple[Term, ...]:
    """The last term that has ended at `at` (UTC) and all that have not: no decision needs those before.

    So an account stays small however long its customer stays; the order list keeps the whole chain.
    """
    if len(terms) < 2 or terms[0].ends_at > at:
        return terms  # of most accounts, with every event
    ended = next((number for number, term in enumerate(terms) if term.ends_at > at), len(terms))
    return terms[max(0, ended - 1) :]


def pending_term(subscription: Active | Grace, at: datetime) -> Term | None:
    """The first term that has not started at `at` (UTC), if any (R17)."""
    return next((term for term in subscription.terms if term.starts_at > at), None)


def differs(previous: Specification, specification: Specification) -> bool:
    """Whether two specifications buy different things; an amount of 0 equals a feature that is not named."""
    return _bought(previous) != _bought(specification)


def change_with_term(term: Term, previous: Specification, effective_at: datetime) -> SpecificationChanged:
    """The event of a term that starts, or reactivates, with another specification than `previous` (R15)."""
    return SpecificationChanged(
        order_id=term.order_id,
        previous=previous,
        specification=term.specification,
        effective_at=effective_at,
        price_difference=None,
    )


def subscription_id_of(order_id: str) -> str:
    """The id of the subscription that a purchase order makes."""
    return "sub-" + blake2b(order_id.encode(), digest_size=12).hexdigest()


def automatic_order_id(subscription_id: str, expires_on: date, *, version: int | None = None) -> str:
    """The order id of the automatic renewal for one E. `version`: of the event that places it, where an earlier one for
    the same E was taken back (R46).
    """
    first = f"auto-{subscription_id}-{expires_on.isoformat()}"
    return first if version is None else f"{first}-{version}"


def is_automatic(order_id: str, subscription_id: str) -> bool:
    """Whether auto-renewal placed this order of the subscription."""
    return order_id.startswith(f"auto-{subscription_id}-")


def is_reserved(order_id: str) -> bool:
    """Whether only auto-renewal, of whatever subscription, places orders with such an id: for others it is spent."""
    return order_id.startswith("auto-sub-")


def _bought(specification: Specification) -> tuple[object, ...]:
    features = {feature: amount for feature, amount in specification.value_added.items() if amount}
    counted = (specification.protected_servers, specification.cores, features)
    return specification.edition, specification.protection_mode, *counted
