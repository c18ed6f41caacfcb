"""Acts of an operator on the account of a scenario."""

from datetime import date
from decimal import Decimal

from shared.contracts import acts
from tests.unit.domain.scenario import ACCOUNT, day

OPERATOR = "o.perez"
REASON = "ticket 4711"


def debit(amount: str, entry_id: str = "db-1") -> acts.AccountDebited:
    return acts.AccountDebited(
        entry_id=entry_id,
        account_id=ACCOUNT,
        amount=Decimal(amount),
        currency="USD",
        operator=OPERATOR,
        reason=REASON,
    )


def revoke(coupon_id: str = "k-1") -> acts.CouponRevoked:
    return acts.CouponRevoked(coupon_id=coupon_id, account_id=ACCOUNT, operator=OPERATOR, reason=REASON)


def erase(operator: str = OPERATOR) -> acts.AccountErased:
    return acts.AccountErased(account_id=ACCOUNT, operator=operator, reason=REASON)


def cancel(order_id: str = "r-1", *, operator: str | None = OPERATOR) -> acts.RenewalCancelled:
    return acts.RenewalCancelled(account_id=ACCOUNT, order_id=order_id, operator=operator, reason=REASON)


def extend(days: int, expected: str | date, extension_id: str = "x-1") -> acts.SubscriptionExtended:
    return acts.SubscriptionExtended(
        extension_id=extension_id,
        account_id=ACCOUNT,
        days=days,
        expected_expires_on=day(expected) if isinstance(expected, str) else expected,
        operator=OPERATOR,
        reason=REASON,
    )
