"""Events on `purchases`: orders, credits, contacts, further recipients, coupons and imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.acts import ACTS_ON_PURCHASES
from shared.contracts.fields import (
    AccountId,
    AmountOff,
    CouponId,
    Credit,
    Currency,
    DurationMonths,
    EntryId,
    MinimumSpend,
    OrderId,
    PercentOff,
    TermsAccepted,
    ValidFrom,
    ValidUntil,
    WantsAutoRenewal,
)
from shared.contracts.imported import IMPORT_EVENTS
from shared.contracts.recipients import RECIPIENT_EVENTS
from shared.contracts.types import Contact, Specification


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrdered:
    """A first purchase, or a new one after release (R5)."""

    order_id: OrderId
    account_id: AccountId
    contact: Contact
    specification: Specification
    duration_months: DurationMonths
    auto_renewal: WantsAutoRenewal
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCredited:
    """Money was added to the account's balance."""

    entry_id: EntryId
    account_id: AccountId
    amount: Credit
    currency: Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """Another contact replaces the account's."""

    account_id: AccountId
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponIssued:
    """A coupon for one automatic renewal; either `amount_off` or `percent_off` is given, never both."""

    coupon_id: CouponId
    account_id: AccountId
    amount_off: AmountOff | None = None
    percent_off: PercentOff | None = None
    minimum_spend: MinimumSpend
    valid_from: ValidFrom
    valid_until: ValidUntil

    def __post_init__(self) -> None:
        if (self.amount_off is None) == (self.percent_off is None):
            raise ValueError("expected either amount_off or percent_off")
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until: expected no day before valid_from")


PURCHASE_EVENTS: Final[Mapping[str, type[Any]]] = {
    "tenure.purchase.ordered.v1": PurchaseOrdered,
    "tenure.account.credited.v1": AccountCredited,
    "tenure.account.contact_changed.v1": ContactChanged,
    "tenure.coupon.issued.v1": CouponIssued,
    **RECIPIENT_EVENTS,
    **ACTS_ON_PURCHASES,
    **IMPORT_EVENTS,
}
"""Type -> contract."""
