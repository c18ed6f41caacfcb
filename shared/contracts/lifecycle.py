"""Events out: `subscription-lifecycle`. Also the events of the subscription core (docs/decisions/0002).

Each class is the data that only its type has; `LifecycleMetadata` is merged into the data of every type. Folding the
events in order rebuilds every subscription, so each field that `evolve` needs is on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    AnchorDay,
    Attempt,
    AttemptAt,
    Balance,
    BalanceAfter,
    CatalogCurrency,
    Charged,
    CouponId,
    CycleMonths,
    DaysLeft,
    Discount,
    EffectiveAt,
    EffectiveOn,
    EndsAt,
    EntriesByKind,
    EventCurrency,
    ExpectedDiscount,
    ExpectedShortfall,
    ExpiresOn,
    ExtensionDays,
    ExtensionId,
    Fee,
    FirstAttemptAt,
    ImportId,
    IsDeclined,
    NextAttemptAt,
    Operator,
    OrderId,
    OrderTakenBack,
    OrderType,
    PriceDifference,
    Reason,
    Refunded,
    ReleaseAt,
    ReleasedAt,
    RetainedUntil,
    Shortfall,
    TermMonths,
    described,
)
from shared.contracts.lifecycle_parts import (
    AutoRenewalPlan,
    AutoRenewalStatus,
    CoreUse,
    ImportedState,
    Obstacle,
    Offered,
    QuantityRange,
    Quote,
    RejectionCode,
    RenewalMethod,
    Required,
    ServerUse,
)
from shared.contracts.types import Contact, Feature, ProtectionMode, Specification, Term

OrderPrice = Annotated[
    Quote | None, described("List price of the order; it says nothing of who paid it. Null in older events.")
]
RenewalQuote = Annotated[Quote | None, described("List price of a renewal as is; null in older events (R30).")]
HeldSpecification = Annotated[
    Specification | None, described("Specification of the last term, or of the one in force; null in older events.")
]
HeldExpiresOn = Annotated[ExpiresOn | None, described("E of the subscription; null in older events.", "2026-02-28")]
HeldEndsAt = Annotated[
    EndsAt | None, described("End of the last term, exclusive; UTC; null in older events.", "2026-02-28T16:00:00Z")
]
Retained = Annotated[
    EntriesByKind | None,
    described("Configuration entries that are there again, by kind; null where it did not come in grace (R32)."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """A purchase was accepted: the subscription is active (R5)."""

    order_id: OrderId
    contact: Contact
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
class AutoRenewalSwitchedOn:
    """Auto-renewal was switched on, or its cycle changed (R21)."""

    cycle_months: CycleMonths
    effective_on: EffectiveOn
    first_attempt_at: FirstAttemptAt | None
    specification: HeldSpecification = None
    quote: RenewalQuote = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalSwitchedOff:
    """Auto-renewal was switched off (R28); `first_attempt_at` is null."""

    cycle_months: CycleMonths
    effective_on: EffectiveOn
    first_attempt_at: FirstAttemptAt | None
    expires_on: HeldExpiresOn = None
    ends_at: HeldEndsAt = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalFailed:
    """The balance was too low; nothing was deducted (R25)."""

    fee: Fee
    discount: Discount
    balance: Balance
    shortfall: Shortfall
    attempt: Attempt
    next_attempt_at: NextAttemptAt | None
    currency: EventCurrency | None = None
    months: Annotated[TermMonths | None, described("Months that the fee is for; null in older events.", 1)] = None
    specification: HeldSpecification = None
    expires_on: HeldExpiresOn = None
    ends_at: HeldEndsAt = None


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

    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A subscription was taken over from another system as it stood there (R42-R44); nobody is notified."""

    import_id: ImportId
    contact: Contact
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
}
"""Type -> contract: what the subscription service writes."""

LIFECYCLE_TYPE: Mapping[type[LifecycleData], str] = {cls: name for name, cls in LIFECYCLE_EVENTS.items()}
