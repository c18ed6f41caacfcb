"""The parts of lifecycle events: enumerations, nested objects, and the fields that every event has."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.contracts.fields import (
    AccountId,
    CatalogCurrency,
    CycleMonths,
    EffectiveOn,
    EndsAt,
    ExpiresOn,
    Fee,
    FirstAttemptAt,
    SubscriptionId,
    described,
)
from shared.contracts.scalars import Whole
from shared.contracts.types import Contact, FurtherRecipient, Specification

StatedContact = Annotated[
    Contact | None, described("The account's contact; null where the person was forgotten (R48).")
]
StatedRecipients = Annotated[
    tuple[FurtherRecipient, ...] | None,
    described("All further recipients of the account; null where they were forgotten (R48)."),
]


class Actor(StrEnum):
    """Who caused the event: a customer, the service by itself, or an operator."""

    USER = "user"
    SYSTEM = "system"
    OPERATOR = "operator"


class ImportedState(StrEnum):
    """In which state a subscription was taken over (R43)."""

    ACTIVE = "active"
    GRACE = "grace"


class RenewalMethod(StrEnum):
    """How a term was renewed: by an order, or by auto-renewal."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class AutoRenewalStatus(StrEnum):
    """What auto-renewal will do, when a reminder is sent (R30)."""

    OFF = "off"
    WILL_CHARGE = "will_charge"
    FAILED = "failed"
    DECLINED = "declined"


class RejectionCode(StrEnum):
    """Why an order is refused; of several reasons the first in this list (R41)."""

    ORDER_CONFLICT = "order_conflict"
    NOT_SUBSCRIBED = "not_subscribed"
    SUBSCRIPTION_RELEASED = "subscription_released"
    ALREADY_SUBSCRIBED = "already_subscribed"
    IMPORT_EXPIRED = "import_expired"
    NOT_ACTIVE = "not_active"
    ORDER_NOT_PENDING = "order_not_pending"
    EXPECTATION_FAILED = "expectation_failed"
    TERMS_NOT_ACCEPTED = "terms_not_accepted"
    INVALID_DURATION = "invalid_duration"
    INVALID_CYCLE = "invalid_cycle"
    AUTO_RENEWAL_TOO_LATE = "auto_renewal_too_late"
    FEATURE_OUT_OF_RANGE = "feature_out_of_range"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    PENDING_RENEWAL_ORDER = "pending_renewal_order"
    MODE_CHANGE_NOT_ALLOWED = "mode_change_not_allowed"
    DOWNGRADE_ONLY_AT_RENEWAL = "downgrade_only_at_renewal"
    SERVERS_BELOW_INVENTORY = "servers_below_inventory"
    SERVERS_BELOW_BOUND = "servers_below_bound"
    CORES_BELOW_INVENTORY = "cores_below_inventory"
    CORES_BELOW_BOUND = "cores_below_bound"
    QUOTA_EXHAUSTED = "quota_exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityRange:
    """What can be ordered of a value-added feature besides 0 (R10)."""

    minimum: Annotated[Whole, described("Smallest quantity above 0, in the feature's unit.", 20)]
    maximum: Annotated[Whole | None, described("Largest quantity, in the feature's unit; null without a limit.", 500)]
    step: Annotated[Whole, described("The quantity is a multiple of this, in the feature's unit.", 1)]


RefusalValue = int | str | None
"""A count, a day or a sentence; null where the refusal has none."""

Required = Annotated[RefusalValue, described("What the rule requires: a count, a day or a sentence; else null.", 6)]
Offered = Annotated[RefusalValue, described("What the order states instead, as in `required`; else null.", 5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event in that led to this one, or the timer."""

    type: Annotated[str, described("`type` of the event in, or `timer`.", "tenure.renewal.ordered.v1", "timer")]
    id: Annotated[str, described("`id` of the event in, or the timer's kind and instant.", "order-system:88199")]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleMetadata:
    """The fields that the data of every lifecycle event has besides those of its type."""

    account_id: AccountId
    subscription_id: SubscriptionId | None
    version: Annotated[Whole, described("Number of the event: 1, 2, 3 ... for each account.", 13)]
    cause: Cause
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalPlan:
    """Auto-renewal as it was switched on."""

    cycle_months: CycleMonths
    effective_on: EffectiveOn
    first_attempt_at: FirstAttemptAt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of a renewal with the same specification, at the catalog in force."""

    months: Annotated[Whole, described("Duration of the renewal, in months.", 1)]
    fee: Fee
    currency: CatalogCurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a renewal would be refused now, and by how much (R14)."""

    code: RejectionCode
    required: Required
    offered: Offered


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """Servers or cores in full mode: what is registered, and the quota."""

    registered: Annotated[Whole, described("Registered servers, or their cores.", 6)]
    quota: Annotated[Whole, described("Purchased quota, in servers or cores.", 5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundQuotaUse:
    """Servers or cores in partial mode: what is bound, and the quota."""

    bound: Annotated[Whole, described("Servers with quota bound to them, or their cores.", 6)]
    quota: Annotated[Whole, described("Purchased quota, in servers or cores.", 5)]


AnyQuotaUse = QuotaUse | BoundQuotaUse | None
ServerUse = Annotated[AnyQuotaUse, described("In servers; null where the edition does not count servers (R7).")]
CoreUse = Annotated[AnyQuotaUse, described("In cores; null where the edition does not count cores (R7).")]

RenewalQuote = Annotated[Quote | None, described("List price of a renewal as is; null in older events (R30).")]
HeldSpecification = Annotated[
    Specification | None, described("Specification of the last term, or of the one in force; null in older events.")
]
HeldExpiresOn = Annotated[ExpiresOn | None, described("E of the subscription; null in older events.", "2026-02-28")]
HeldEndsAt = Annotated[
    EndsAt | None, described("End of the last term, exclusive; UTC; null in older events.", "2026-02-28T16:00:00Z")
]
