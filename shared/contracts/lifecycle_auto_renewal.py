"""Events out of auto-renewal: switched on, switched off, failed. A part of `lifecycle`."""

from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    Attempt,
    Balance,
    CycleMonths,
    Discount,
    EffectiveOn,
    EventCurrency,
    Fee,
    FirstAttemptAt,
    NextAttemptAt,
    Shortfall,
    TermMonths,
    described,
)
from shared.contracts.lifecycle_parts import HeldEndsAt, HeldExpiresOn, HeldSpecification, RenewalQuote


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
