"""Events on `renewals`: renewals, changes of the specification, auto-renewal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.acts import ACTS_ON_RENEWALS
from shared.contracts.fields import AccountId, CycleMonths, DurationMonths, OrderId, TermsAccepted
from shared.contracts.types import Specification


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalOrdered:
    """A renewal with the specification of the last term (R13)."""

    order_id: OrderId
    account_id: AccountId
    duration_months: DurationMonths
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalChangeOrdered:
    """A renewal with another specification (R15)."""

    order_id: OrderId
    account_id: AccountId
    duration_months: DurationMonths
    specification: Specification
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDeclined:
    """The customer will not renew (R28)."""

    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationChangeOrdered:
    """A change of the term in force, at once (R19)."""

    order_id: OrderId
    account_id: AccountId
    specification: Specification
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalEnabled:
    """Auto-renewal is switched on, or its cycle changes (R21)."""

    account_id: AccountId
    cycle_months: CycleMonths


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalDisabled:
    """Auto-renewal is switched off (R28)."""

    account_id: AccountId


RENEWAL_EVENTS: Final[Mapping[str, type[Any]]] = {
    "tenure.renewal.ordered.v1": RenewalOrdered,
    "tenure.renewal.change_ordered.v1": RenewalChangeOrdered,
    "tenure.renewal.declined.v1": RenewalDeclined,
    "tenure.specification.change_ordered.v1": SpecificationChangeOrdered,
    "tenure.auto_renewal.enabled.v1": AutoRenewalEnabled,
    "tenure.auto_renewal.disabled.v1": AutoRenewalDisabled,
    **ACTS_ON_RENEWALS,
}
"""Type -> contract."""
