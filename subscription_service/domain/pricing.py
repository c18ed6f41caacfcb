"""Fees, price differences and coupons: exact decimals, rounded half up to cents once.

Prices are those of one of the catalog's lists, per unit and month, in the catalog's currency. No function here takes an
account.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final, NamedTuple

from shared.contracts.lifecycle_parts import Quote
from shared.contracts.types import Specification, Term
from subscription_service.domain.model import ZERO, Coupon
from subscription_service.domain.policy import PriceList, Rules

EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)
"""The context of all arithmetic with money: Python's default would round what has more than 28 digits."""

LARGEST_PRICE: Final = Decimal("999999999999.99")
"""An order whose price is higher is refused (R41, `amount_out_of_range`)."""

_CENT: Final = Decimal("0.01")


def monthly_price(specification: Specification, prices: PriceList) -> Decimal:
    """The list price of one month, not rounded."""
    edition = prices.editions[specification.edition]
    price = EXACT.multiply(edition.server_price, specification.protected_servers)
    price = EXACT.fma(edition.core_price, specification.cores, price)
    for feature, amount in specification.value_added.items():
        price = EXACT.fma(prices.features[feature], amount, price)
    return price


def fee(specification: Specification, months: int, prices: PriceList) -> Decimal:
    """The price of a term of so many months, in cents."""
    return _in_cents(EXACT.multiply(monthly_price(specification, prices), months))


def quoted(specification: Specification, months: int, *, at: datetime, rules: Rules) -> Quote:
    """What a term of so many months costs, by the list in force at an instant (UTC) (R50)."""
    price = fee(specification, months, rules.prices_at(at))
    return Quote(months=months, fee=price, currency=rules.catalog.currency)


def price_difference(term: Term, specification: Specification, *, at: datetime, prices: PriceList) -> Decimal:
    """What the rest of `term` costs more (below zero: less) with another specification from `at` on, in cents; both by
    the same list (R19).
    """
    remaining = int((term.ends_at - at).total_seconds())
    seconds = int((term.ends_at - term.starts_at).total_seconds())
    with localcontext(EXACT):
        difference = monthly_price(specification, prices) - monthly_price(term.specification, prices)
        return _in_cents(difference * term.months * remaining / seconds)


def total(first: Decimal, *others: Decimal) -> Decimal:
    """The exact sum of amounts."""
    for amount in others:
        first = EXACT.add(first, amount)
    return first


def remainder(amount: Decimal, *taken: Decimal) -> Decimal:
    """What exactly is left of an amount; below zero where more is taken."""
    for each in taken:
        amount = EXACT.subtract(amount, each)
    return amount


def best_coupon(coupons: Iterable[Coupon], price: Decimal, day: date) -> Coupon | None:
    """The one coupon that is tried for a fee on a billing day: the one that ends first, then the smallest id (R24).

    A fee of 0.00 tries none.
    """
    if not price:
        return None
    usable = [
        coupon for coupon in coupons if coupon.valid_from <= day <= coupon.valid_until and coupon.minimum_spend <= price
    ]
    return min(usable, key=lambda coupon: (coupon.valid_until, coupon.coupon_id), default=None)


def discount(coupon: Coupon | None, price: Decimal) -> Decimal:
    """What a coupon takes off a fee, at most all of it (R24)."""
    if coupon is None:
        return ZERO
    if coupon.amount_off is not None:
        return min(coupon.amount_off, price)
    with localcontext(EXACT):
        return _in_cents(price * (coupon.percent_off or 0) / 100)


class Charge(NamedTuple):
    """What deducting a fee takes: `charged` from the balance, after the discount of a coupon.

    `shortfall`: what the balance lacks; 0.00 where it suffices.
    """

    fee: Decimal
    coupon_id: str | None
    discount: Decimal
    charged: Decimal
    shortfall: Decimal


def charge_of(fee: Decimal, *, day: date, coupons: Iterable[Coupon], balance: Decimal) -> Charge:
    """What deducting this fee on a billing day takes, with these coupons and this balance (R24)."""
    coupon = best_coupon(coupons, fee, day)
    off = discount(coupon, fee)
    charged = remainder(fee, off)
    return Charge(
        fee=fee,
        coupon_id=None if coupon is None else coupon.coupon_id,
        discount=off,
        charged=charged,
        shortfall=max(ZERO, remainder(charged, balance)),
    )


def _in_cents(amount: Decimal) -> Decimal:
    # Adding zero turns "-0.00", which is no amount of the contract, into "0.00".
    return amount.quantize(_CENT, context=EXACT) + ZERO
