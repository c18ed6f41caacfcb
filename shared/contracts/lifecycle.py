"""Events out: `subscription-lifecycle`. Also the events of the subscription core (docs/decisions/0002).

Each class is the *further* data of its type; `Stamp` is what every one of them carries besides.
Folding them in order rebuilds every subscription, so a field that evolve() needs is on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.types import (
    Contact,
    Day,
    Id,
    Instant,
    Money,
    ProtectionMode,
    Specification,
    Term,
    Whole,
)


class Actor(StrEnum):
    USER = "user"
    SYSTEM = "system"


class RenewalMethod(StrEnum):
    MANUAL = "manual"
    AUTOMATIC = "automatic"


class AutoRenewalStatus(StrEnum):
    """How auto-renewal stands when a reminder is sent (R30)."""

    OFF = "off"
    WILL_CHARGE = "will_charge"
    FAILED = "failed"
    DECLINED = "declined"


class RejectionCode(StrEnum):
    """Why an order is refused; the order of the members is the order of R41: the first wins."""

    ORDER_CONFLICT = "order_conflict"
    NOT_SUBSCRIBED = "not_subscribed"
    SUBSCRIPTION_RELEASED = "subscription_released"
    ALREADY_SUBSCRIBED = "already_subscribed"
    NOT_ACTIVE = "not_active"
    TERMS_NOT_ACCEPTED = "terms_not_accepted"
    INVALID_DURATION = "invalid_duration"
    INVALID_CYCLE = "invalid_cycle"
    AUTO_RENEWAL_TOO_LATE = "auto_renewal_too_late"
    FEATURE_OUT_OF_RANGE = "feature_out_of_range"
    PENDING_RENEWAL_ORDER = "pending_renewal_order"
    MODE_CHANGE_NOT_ALLOWED = "mode_change_not_allowed"
    DOWNGRADE_ONLY_AT_RENEWAL = "downgrade_only_at_renewal"
    SERVERS_BELOW_INVENTORY = "servers_below_inventory"
    SERVERS_BELOW_BOUND = "servers_below_bound"
    CORES_BELOW_INVENTORY = "cores_below_inventory"
    CORES_BELOW_BOUND = "cores_below_bound"
    QUOTA_EXHAUSTED = "quota_exhausted"


Figure = int | str | None
"""What a refusal states as required or offered: a count, a day or a sentence; null where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event in that led here, or `timer`."""

    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What every lifecycle event carries; `version` counts each account's events from 1."""

    account_id: Id
    subscription_id: Id | None
    version: Whole
    cause: Cause
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalPlan:
    """`first_attempt_at` is null where no attempt is possible before E."""

    cycle_months: Whole
    effective_on: Day
    first_attempt_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a renewal as is, at the catalog in force."""

    months: Whole
    fee: Money
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What would refuse a renewal now, and by how much (R14)."""

    code: RejectionCode
    required: Figure
    offered: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """One dimension in full mode: what is registered against what was bought."""

    registered: Whole
    quota: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundQuotaUse:
    """One dimension in partial mode: what is bound against what was bought."""

    bound: Whole
    quota: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    order_id: Id
    contact: Contact
    term: Term
    specification: Specification
    expires_on: Day
    ends_at: Instant
    auto_renewal: AutoRenewalPlan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The money fields are given for automatic renewals only."""

    order_id: Id
    method: RenewalMethod
    term: Term
    expires_on: Day
    ends_at: Instant
    reactivated: bool
    fee: Money | None = None
    discount: Money | None = None
    charged: Money | None = None
    coupon_id: Id | None = None
    balance_after: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationChanged:
    """`price_difference` is null when the change came with a term's start."""

    order_id: Id
    previous: Specification
    specification: Specification
    effective_at: Instant
    price_difference: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalSwitchedOn:
    cycle_months: Whole
    effective_on: Day
    first_attempt_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalSwitchedOff:
    """What was switched off; `effective_on` is the day it stopped, `first_attempt_at` is null."""

    cycle_months: Whole
    effective_on: Day
    first_attempt_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalFailed:
    fee: Money
    discount: Money
    balance: Money
    shortfall: Money
    attempt: Whole
    next_attempt_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDeclineNoted:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDue:
    expires_on: Day
    ends_at: Instant
    days_left: Whole
    quote: Quote
    obstacles: tuple[Obstacle, ...]
    auto_renewal: AutoRenewalStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaExceeded:
    protection_mode: ProtectionMode
    servers: QuotaUse | BoundQuotaUse | None
    cores: QuotaUse | BoundQuotaUse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRestored:
    protection_mode: ProtectionMode
    servers: QuotaUse | BoundQuotaUse | None
    cores: QuotaUse | BoundQuotaUse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    expires_on: Day
    retained_until: Instant
    retained: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    release_at: Instant
    retained: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    released_at: Instant
    purged: Mapping[str, int]
    edition: str = "basic"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    order_id: Id | None
    order_type: str
    code: RejectionCode
    message: str
    required: Figure
    offered: Figure
    contact: Contact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactReplaced:
    contact: Contact


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
}
"""Type -> contract: what the subscription service says."""

LIFECYCLE_TYPE: Mapping[type[LifecycleData], str] = {cls: name for name, cls in LIFECYCLE_EVENTS.items()}
