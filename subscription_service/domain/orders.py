"""The order list: one entry per order, made from the lifecycle event that answered it (R18).

An entry is stored once, marked where its order is taken back (R46), and its end moves where its term is extended (R47);
its status is worked out from it and the clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from shared.contracts.lifecycle import Activated, LifecycleData, OrderRejected, Renewed, SpecificationChanged
from shared.contracts.lifecycle_acts import Imported, TermExtended
from shared.contracts.lifecycle_parts import Quote, RejectionCode, RenewalMethod
from shared.contracts.types import Specification, Term
from subscription_service.domain.calendar import days_before, end_of
from subscription_service.domain.model import Account, Active, Grace
from subscription_service.domain.policy import Rules
from subscription_service.domain.pricing import fee


class OrderType(StrEnum):
    """What was ordered, by whom: only `automatic_renewal` is placed by the service itself."""

    PURCHASE = "purchase"
    IMPORT = "import"
    RENEWAL = "renewal"
    RENEWAL_CHANGE = "renewal_change"
    AUTOMATIC_RENEWAL = "automatic_renewal"
    SPECIFICATION_CHANGE = "specification_change"


class OrderStatus(StrEnum):
    """PENDING: starts later. EFFECTIVE: has started. ENDED: is over. REJECTED: was refused. CANCELLED: taken back."""

    PENDING = "pending"
    EFFECTIVE = "effective"
    ENDED = "ended"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


TYPE_OF: Final[Mapping[str, OrderType]] = {
    "tenure.purchase.ordered.v1": OrderType.PURCHASE,
    "tenure.renewal.ordered.v1": OrderType.RENEWAL,
    "tenure.renewal.change_ordered.v1": OrderType.RENEWAL_CHANGE,
    "tenure.specification.change_ordered.v1": OrderType.SPECIFICATION_CHANGE,
}
"""Type of the event in -> type of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """One row of the order list. `fee`, in the catalog's currency: the list price at `placed_at`, or the price
    difference of a change; None where it was refused, or imported, since another system priced it. Instants are UTC.
    """

    order_id: str
    type: OrderType
    placed_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    months: int | None = None
    specification: Specification | None = None
    fee: Decimal | None = None
    rejected: bool = False
    cancelled: bool = False
    catalog_version: str


def order_entries(
    event: LifecycleData, *, account: Account, cause_type: str, at: datetime, rules: Rules
) -> tuple[OrderEntry, ...]:
    """The entries that a lifecycle event makes: an import one for each term (R42), an order one, others none.

    `account`: as it was after the event. `cause_type`: type of the event in, or `timer`. `at`: the decision (UTC).
    A refusal with `order_conflict` makes none, since the id is that of another order (R39), nor does a refused import
    or act (R46). Each is priced by the list in force at `at`, and keeps that list's version (R50).
    """
    if isinstance(event, Imported):
        return tuple(_for_imported(term, at, rules) for term in event.terms)
    entry = _order_entry(event, account, cause_type, at=at, rules=rules)
    return () if entry is None else (entry,)


def _order_entry(
    event: LifecycleData, account: Account, cause_type: str, *, at: datetime, rules: Rules
) -> OrderEntry | None:
    match event:
        case Activated():
            return _for_term(event.term, OrderType.PURCHASE, at=at, rules=rules, price=event.price)
        case Renewed(method=RenewalMethod.AUTOMATIC):
            return _for_term(event.term, OrderType.AUTOMATIC_RENEWAL, at=at, rules=rules, price=event.price)
        case Renewed():
            return _for_term(event.term, TYPE_OF[cause_type], at=at, rules=rules, price=event.price)
        case SpecificationChanged() if event.price_difference is not None:
            return _for_change(event, account, at, rules)
        case OrderRejected(order_id=str()) if event.code is not RejectionCode.ORDER_CONFLICT and is_order(event):
            return _for_rejected(event, at, rules)
        case _:
            return None


def is_order(rejected: OrderRejected) -> bool:
    """Whether a customer's order was refused, and not an import or an act."""
    return rejected.order_type in TYPE_OF


def moved_end(event: TermExtended, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From which `ends_at` to which the entries move whose effect ends with the extended term: of the order that it
    belongs to, and of changes of it (R47).
    """
    return end_of(days_before(event.expires_on, event.days), zone), event.ends_at


def ends_with(entry: OrderEntry, ends_at: datetime) -> bool:
    """Whether an extension of the term that ends at `ends_at` moves this entry."""
    return entry.ends_at == ends_at and not entry.cancelled


def status(entry: OrderEntry, now: datetime) -> OrderStatus:
    """The status of an order at `now` (UTC)."""
    if entry.cancelled:
        return OrderStatus.CANCELLED
    if entry.rejected or entry.starts_at is None:
        return OrderStatus.REJECTED
    if now < entry.starts_at:
        return OrderStatus.PENDING
    ended = entry.ends_at is not None and now >= entry.ends_at
    return OrderStatus.ENDED if ended else OrderStatus.EFFECTIVE


def _for_term(
    term: Term, order_type: OrderType, *, at: datetime, rules: Rules, price: Quote | None = None
) -> OrderEntry:
    """`price`: as its event states it; events of earlier versions state none."""
    prices = rules.prices_at(at)
    return OrderEntry(
        order_id=term.order_id,
        type=order_type,
        placed_at=at,
        starts_at=term.starts_at,
        ends_at=term.ends_at,
        months=term.months,
        specification=term.specification,
        fee=price.fee if price else fee(term.specification, term.months, prices),
        catalog_version=prices.version,
    )


def _for_imported(term: Term, at: datetime, rules: Rules) -> OrderEntry:
    """Placed with the import, since it is not known when it was placed in the other system."""
    return replace(_for_term(term, OrderType.IMPORT, at=at, rules=rules), fee=None)


def _for_change(event: SpecificationChanged, account: Account, at: datetime, rules: Rules) -> OrderEntry:
    """A change holds until the last term ends, which is the one in force: none was pending (R17)."""
    live = account.subscription
    return OrderEntry(
        order_id=event.order_id,
        type=OrderType.SPECIFICATION_CHANGE,
        placed_at=at,
        starts_at=event.effective_at,
        ends_at=live.terms[-1].ends_at if isinstance(live, Active | Grace) else None,
        specification=event.specification,
        fee=event.price_difference,
        catalog_version=rules.prices_at(at).version,
    )


def _for_rejected(event: OrderRejected, at: datetime, rules: Rules) -> OrderEntry:
    return OrderEntry(
        order_id=event.order_id or "",
        type=TYPE_OF[event.order_type],
        placed_at=at,
        rejected=True,
        catalog_version=rules.prices_at(at).version,
    )
