"""Events out when a subscription is taken over from another system or put right, or a person is forgotten: a part of
`lifecycle`.
"""

from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    AnchorDay,
    BalanceAfter,
    CatalogCurrency,
    EndsAt,
    ExpiresOn,
    ExtensionDays,
    ExtensionId,
    ImportId,
    IsDeclined,
    Operator,
    OrderTakenBack,
    Reason,
    Refunded,
    RetainedUntil,
    described,
)
from shared.contracts.lifecycle_parts import (
    AutoRenewalPlan,
    ImportedState,
    StatedContact,
)
from shared.contracts.types import (
    Specification,
    Term,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A subscription was taken over from another system as it stood there (R42-R44); nobody is notified."""

    import_id: ImportId
    contact: StatedContact
    anchor_day: AnchorDay
    terms: Annotated[tuple[Term, ...], described("The chain of terms, the oldest first.")]
    specification: Specification
    expires_on: ExpiresOn
    ends_at: EndsAt
    state: ImportedState
    retained_until: RetainedUntil | None
    auto_renewal: Annotated[AutoRenewalPlan | None, described("Auto-renewal; null where it is off (R43).")]
    declined: IsDeclined
    quota_exceeded: Annotated[bool, described("Whether servers or cores in use pass the quota already (R44).", False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalTakenBack:
    """The last pending renewal order was taken back; E is again that of before it (R46)."""

    order_id: OrderTakenBack
    expires_on: ExpiresOn
    ends_at: EndsAt
    refunded: Refunded
    balance_after: BalanceAfter
    currency: CatalogCurrency
    auto_renewal_off: Annotated[bool, described("Whether auto-renewal was switched off with it.", False)]
    anchor_day: AnchorDay
    operator: Annotated[Operator | None, described("Who did it; null where it is the customer's own word.")]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TermExtended:
    """The last term ends later (R47). `ends_at` is its new end, also where that is still past."""

    extension_id: ExtensionId
    days: ExtensionDays
    expires_on: ExpiresOn
    ends_at: EndsAt
    retained_until: Annotated[RetainedUntil | None, described("The new end of the grace period; null while active.")]
    reactivated: Annotated[bool, described("Whether it came in grace and made the subscription active again.", False)]
    anchor_day: AnchorDay
    operator: Operator
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased:
    """The person behind the account was forgotten: there is no contact any more (R48); nobody is notified."""

    operator: Operator
    reason: Reason
