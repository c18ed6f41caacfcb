"""Events out of auto-renewal: switched on, switched off, announced, failed. A part of `lifecycle`."""

from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    AnnouncedAttemptAt,
    Attempt,
    Balance,
    CouponId,
    CycleMonths,
    Discount,
    EffectiveOn,
    EventCurrency,
    ExpectedDiscount,
    ExpectedShortfall,
    ExpiresOn,
    Fee,
    FirstAttemptAt,
    NextAttemptAt,
    PreviousFee,
    Shortfall,
    TermMonths,
    described,
)
from shared.contracts.lifecycle_parts import HeldEndsAt, HeldExpiresOn, HeldSpecification, Obstacle, Quote, RenewalQuote


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
class RenewalUpcoming:
    """Notice, days before, of the first attempt to deduct the fee for this E (R49). `discount` is that of the coupon
    that could be used then, `balance` today's.
    """

    expires_on: ExpiresOn
    attempt_at: AnnouncedAttemptAt
    quote: Annotated[Quote, described("The price of the next cycle, by the list in force at `attempt_at` (R50).")]
    previous_fee: PreviousFee | None
    discount: ExpectedDiscount
    coupon_id: Annotated[CouponId | None, described("The coupon that would be used; null where there is none.")]
    balance: Balance
    shortfall: ExpectedShortfall
    obstacles: Annotated[tuple[Obstacle, ...], described("Why a manual renewal would be refused now; else empty.")]


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
