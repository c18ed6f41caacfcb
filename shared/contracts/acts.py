"""Acts of an operator, which put an account right: on `purchases` debits, revoked coupons and erasures, on `renewals`
renewal orders that are taken back and extensions.

Each names who did it and why; both are kept for good with what the act has led to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from shared.contracts.fields import (
    AccountId,
    CouponId,
    Currency,
    Debit,
    EntryId,
    ExpectedExpiresOn,
    ExtensionDays,
    ExtensionId,
    Operator,
    OrderTakenBack,
    Reason,
    described,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDebited:
    """Money was taken off the account's balance, which may fall below zero (R45)."""

    entry_id: EntryId
    account_id: AccountId
    amount: Debit
    currency: Currency
    operator: Operator
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRevoked:
    """A coupon was taken away before it was used (R45)."""

    coupon_id: CouponId
    account_id: AccountId
    operator: Operator
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErased:
    """The person behind the account is forgotten; the account and its subscription go on (R48)."""

    account_id: AccountId
    operator: Operator
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalCancelled:
    """The last pending renewal order is taken back, by an operator or by the customer (R46)."""

    account_id: AccountId
    order_id: OrderTakenBack
    operator: Annotated[Operator | None, described("Who did it; null where it is the customer's own word.")]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionExtended:
    """E of the last term moves by so many days, where it is the expected one (R47)."""

    extension_id: ExtensionId
    account_id: AccountId
    days: ExtensionDays
    expected_expires_on: ExpectedExpiresOn
    operator: Operator
    reason: Reason


ACTS_ON_PURCHASES: Final[Mapping[str, type[Any]]] = {
    "tenure.account.debited.v1": AccountDebited,
    "tenure.coupon.revoked.v1": CouponRevoked,
    "tenure.account.erased.v1": AccountErased,
}
"""Type -> contract."""

ACTS_ON_RENEWALS: Final[Mapping[str, type[Any]]] = {
    "tenure.renewal.cancelled.v1": RenewalCancelled,
    "tenure.subscription.extended.v1": SubscriptionExtended,
}
"""Type -> contract."""
