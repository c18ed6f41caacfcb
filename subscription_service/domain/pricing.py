"""Money: fees, price differences, coupons. Exact decimals, rounded half up to cents once.

Prices are the catalog's list prices for a month. Nothing here knows an account.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from shared.contracts.types import Specification, Term
from subscription_service.domain.model import ZERO, Coupon
from subscription_service.domain.policy import Catalog

CENT: Final = Decimal("0.01")
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)


def monthly(specification: Specification, catalog: Catalog) -> Decimal:
    """The list price of one month, exact (not rounded)."""
    edition = catalog.editions[specification.edition]
    with localcontext(_EXACT):
        add_ons = sum(
            (catalog.features[feature].price * amount for feature, amount in specification.value_added.items()),
            Decimal(0),
        )
        servers = edition.server_price * specification.protected_servers
        return servers + edition.core_price * specification.cores + add_ons


def fee(specification: Specification, months: int, catalog: Catalog) -> Decimal:
    """The price of a term, in cents."""
    with localcontext(_EXACT):
        return _cents(monthly(specification, catalog) * months)


def price_difference(term: Term, specification: Specification, *, at: datetime, catalog: Catalog) -> Decimal:
    """What changing `term` to `specification` at `at` is worth, signed, in cents (R19)."""
    remaining = int((term.ends_at - at).total_seconds())
    seconds = int((term.ends_at - term.starts_at).total_seconds())
    with localcontext(_EXACT):
        difference = monthly(specification, catalog) - monthly(term.specification, catalog)
        return _cents(difference * term.months * remaining / seconds)


def best_coupon(coupons: Iterable[Coupon], price: Decimal, day: date) -> Coupon | None:
    """The one coupon to try on a billing day: it ends first, then has the smallest id (R24)."""
    usable = [
        coupon for coupon in coupons if coupon.valid_from <= day <= coupon.valid_until and coupon.minimum_spend <= price
    ]
    return min(usable, key=lambda coupon: (coupon.valid_until, coupon.coupon_id), default=None)


def discount(coupon: Coupon | None, price: Decimal) -> Decimal:
    """What the coupon takes off `price`, never more than all of it (R24)."""
    if coupon is None:
        return ZERO
    if coupon.amount_off is not None:
        return min(coupon.amount_off, price)
    with localcontext(_EXACT):
        return _cents(price * (coupon.percent_off or 0) / 100)


def _cents(amount: Decimal) -> Decimal:
    # Adding zero turns a negative nothing into a plain one: "-0.00" is no amount.
    return amount.quantize(CENT, context=_EXACT) + ZERO
