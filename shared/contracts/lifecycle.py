"""Events out: `subscription-lifecycle`. Also the events of the subscription core (docs/decisions/0002).

Each class is the data that only its type has; `LifecycleMetadata` is merged into the data of every type. Folding the
events in order rebuilds every subscription, so each field that `evolve` needs is on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    AttemptAt,
    Balance,
    BalanceAfter,
    Charged,
    CouponId,
    DaysLeft,
    Discount,
    EffectiveAt,
    EndsAt,
    EntriesByKind,
    EventCurrency,
    ExpectedDiscount,
    ExpectedShortfall,
    ExpiresOn,
    Fee,
    OrderId,
    OrderType,
    PriceDifference,
    ReleaseAt,
    ReleasedAt,
    RetainedUntil,
    described,
)
from shared.contracts.lifecycle_acts import Imported, PersonErased, RenewalTakenBack, TermExtended
from shared.contracts.lifecycle_auto_renewal import (
    AutoRenewalFailed,
    AutoRenewalSwitchedOff,
    AutoRenewalSwitchedOn,
    RenewalUpcoming,
)
from shared.contracts.lifecycle_parts import (
    AutoRenewalPlan,
    AutoRenewalStatus,
    CoreUse,
    HeldEndsAt,
    HeldExpiresOn,
    HeldSpecification,
    Obstacle,
    Offered,
    QuantityRange,
    Quote,
    RejectionCode,
    RenewalMethod,
    RenewalQuote,
    Required,
    ServerUse,
    StatedContact,
    StatedRecipients,
)
from shared.contracts.types import Contact, Feature, ProtectionMode, Specification, Term

OrderPrice = Annotated[
    Quote | None, described("List price of the order; it says nothing of who paid it. Null in older events.")
]
Retained = Annotated[
    EntriesByKind | None,
    described("Configuration entries that are there again, by kind; null where it did not come in grace (R32)."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """A purchase was accepted: the subscription is active (R5)."""

    order_id: OrderId
    contact: StatedContact
    term: Term
    specification: Specification
    expires_on: ExpiresOn
    ends_at: EndsAt
    auto_renewal: Annotated[AutoRenewalPlan | None, described("Auto-renewal; null where it is off (R11).")]
    price: OrderPrice = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A term was appended (R13, R15, R20). What was deducted, `fee` to `currency`, is for automatic renewals only."""

    order_id: OrderId
    method: RenewalMethod
    term: Term
    expires_on: ExpiresOn
    ends_at: EndsAt
    reactivated: Annotated[bool, described("Whether the renewal came in grace and made it active again (R32).", False)]
    fee: Fee | None = None
    discount: Discount | None = None
    charged: Charged | None = None
    coupon_id: CouponId | None = None
    balance_after: BalanceAfter | None = None
    currency: EventCurrency | None = None
    price: OrderPrice = None
    retained: Retained = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationChanged:
    """Another specification is in force: by a change order (R19), or since a new term has started (R15)."""

    order_id: OrderId
    previous: Specification
    specification: Specification
    effective_at: EffectiveAt
    price_difference: PriceDifference | None
    currency: EventCurrency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDeclineNoted:
    """The customer will not renew (R28)."""

    expires_on: HeldExpiresOn = None
    ends_at: HeldEndsAt = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDue:
    """Reminder that the subscription expires (R29, R30).

    What a deduction will need (`attempt_at` to `shortfall`) is given where auto-renewal will charge or has failed.
    """

    expires_on: ExpiresOn
    ends_at: EndsAt
    days_left: DaysLeft
    quote: Quote
    obstacles: Annotated[tuple[Obstacle, ...], described("Why a renewal would be refused now; else empty.")]
    auto_renewal: AutoRenewalStatus
    specification: HeldSpecification = None
    attempt_at: AttemptAt | None = None
    discount: ExpectedDiscount | None = None
    coupon_id: CouponId | None = None
    balance: Balance | None = None
    shortfall: ExpectedShortfall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaExceeded:
    """Servers or cores in use have passed the quota (R33)."""

    protection_mode: ProtectionMode
    servers: ServerUse
    cores: CoreUse
    specification: HeldSpecification = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRestored:
    """Servers and cores in use fit the quota again (R33)."""

    protection_mode: ProtectionMode
    servers: ServerUse
    cores: CoreUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The last term has ended; the grace period begins (R31)."""

    expires_on: ExpiresOn
    retained_until: RetainedUntil
    retained: EntriesByKind
    specification: HeldSpecification = None
    quote: RenewalQuote = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    """Reminder that the subscription will be released (R34)."""

    release_at: ReleaseAt
    retained: EntriesByKind
    expires_on: HeldExpiresOn = None
    specification: HeldSpecification = None
    quote: RenewalQuote = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The grace period has ended without a renewal; what was retained is deleted (R35)."""

    released_at: ReleasedAt
    purged: EntriesByKind
    edition: Annotated[str, described("The edition after release.", "basic")] = "basic"
    specification: HeldSpecification = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    """An order was refused; nothing else changed (R41)."""

    order_id: OrderId | None
    order_type: OrderType
    code: RejectionCode
    message: Annotated[str, described("A sentence for the customer, in English.", "There is no subscription yet.")]
    required: Required
    offered: Offered
    contact: Annotated[Contact | None, described("The account's contact, else the purchase's, else null.")]
    feature: Annotated[Feature | None, described("The feature of `feature_out_of_range`; else null.", "honeypot")] = (
        None
    )
    range: Annotated[QuantityRange | None, described("What can be ordered of that feature; else null.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactReplaced:
    """The account has another contact."""

    contact: StatedContact


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientsReplaced:
    """The account has another list of further recipients (R52)."""

    recipients: StatedRecipients


LifecycleData = (
    Activated
    | Renewed
    | SpecificationChanged
    | AutoRenewalSwitchedOn
    | AutoRenewalSwitchedOff
    | AutoRenewalFailed
    | RenewalDeclineNoted
    | RenewalDue
    | QuotaExceeded
    | QuotaRestored
    | Expired
    | ReleaseDue
    | Released
    | OrderRejected
    | ContactReplaced
    | Imported
    | RenewalTakenBack
    | TermExtended
    | PersonErased
    | RenewalUpcoming
    | RecipientsReplaced
)

LIFECYCLE_EVENTS: Mapping[str, type[LifecycleData]] = {
    "tenure.subscription.activated.v1": Activated,
    "tenure.subscription.renewed.v1": Renewed,
    "tenure.subscription.specification_changed.v1": SpecificationChanged,
    "tenure.subscription.auto_renewal_enabled.v1": AutoRenewalSwitchedOn,
    "tenure.subscription.auto_renewal_disabled.v1": AutoRenewalSwitchedOff,
    "tenure.subscription.auto_renewal_failed.v1": AutoRenewalFailed,
    "tenure.subscription.renewal_declined.v1": RenewalDeclineNoted,
    "tenure.subscription.renewal_due.v1": RenewalDue,
    "tenure.subscription.quota_exceeded.v1": QuotaExceeded,
    "tenure.subscription.quota_restored.v1": QuotaRestored,
    "tenure.subscription.expired.v1": Expired,
    "tenure.subscription.release_due.v1": ReleaseDue,
    "tenure.subscription.released.v1": Released,
    "tenure.subscription.order_rejected.v1": OrderRejected,
    "tenure.subscription.contact_changed.v1": ContactReplaced,
    "tenure.subscription.imported.v1": Imported,
    "tenure.subscription.renewal_cancelled.v1": RenewalTakenBack,
    "tenure.subscription.extended.v1": TermExtended,
    "tenure.subscription.erased.v1": PersonErased,
    "tenure.subscription.renewal_upcoming.v1": RenewalUpcoming,
    "tenure.subscription.recipients_changed.v1": RecipientsReplaced,
}
"""Type -> contract: what the subscription service writes."""

LIFECYCLE_TYPE: Mapping[type[LifecycleData], str] = {cls: name for name, cls in LIFECYCLE_EVENTS.items()}


def kind_of(lifecycle_type: str) -> str:
    """`renewal_due` for `tenure.subscription.renewal_due.v1`."""
    return lifecycle_type.removeprefix("tenure.subscription.").rpartition(".")[0]
