"""Every kind of message in all its variants, by a name that says which. Pure.

The words of an operator are tried on them at the start, previews show them, and tests of content go through them all.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from notifier_service.content.samples.events import (
    ENDS_AT,
    ENTERPRISE,
    LAST_DAY,
    LIN,
    NOON,
    PARTIAL,
    RELEASE_AT,
    RETAINED,
    ULTIMATE,
    activated,
    auto_renewal_plan,
    automatic,
    charge_short,
    covered,
    expired,
    failed,
    first_attempt,
    obstacles,
    quota_exceeded,
    quota_exceeded_partial,
    rejected,
    release_due,
    released,
    renewal_cancelled,
    renewal_due,
    renewal_upcoming,
    renewed,
    short,
    switched_off,
    usd,
)
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import (
    LIFECYCLE_TYPE,
    ContactReplaced,
    LifecycleData,
    QuotaRestored,
    RenewalDeclineNoted,
    SpecificationChanged,
    kind_of,
)
from shared.contracts.lifecycle_acts import TermExtended
from shared.contracts.lifecycle_auto_renewal import AutoRenewalSwitchedOn
from shared.contracts.lifecycle_parts import (
    Actor,
    AutoRenewalStatus,
    Cause,
    LifecycleMetadata,
    QuotaUse,
    RejectionCode,
)
from shared.contracts.types import ProtectionMode


def mailed() -> Iterator[tuple[str, LifecycleData]]:
    """Every kind and variant that becomes a mail, by a name for it."""
    return itertools.chain(_terms(), _warnings(), _endings(), _rejections(), _acts())


def inbox_only() -> Iterator[tuple[str, LifecycleData]]:
    """Every kind and variant that becomes an internal message alone, by a name for it."""
    return itertools.chain(_changes(), _switches(), _restored(), (("contact_changed", ContactReplaced(contact=LIN)),))


def _changes() -> Iterator[tuple[str, LifecycleData]]:
    """Of the specification, with every kind of price difference."""
    for price in (Decimal("120.00"), Decimal("-80.50"), Decimal("0.00"), None):
        yield (
            f"specification_changed-{price}",
            SpecificationChanged(
                order_id="ord-3",
                previous=ENTERPRISE,
                specification=ULTIMATE,
                effective_at=NOON,
                price_difference=price,
                currency=None if price is None else "USD",
            ),
        )


def _switches() -> Iterator[tuple[str, LifecycleData]]:
    """Auto-renewal switched on and off, and a declined renewal."""
    on = AutoRenewalSwitchedOn(
        cycle_months=1,
        effective_on=date(2026, 11, 25),
        first_attempt_at=first_attempt,
        specification=ENTERPRISE,
        quote=usd(1, "307.00"),
    )
    yield "auto_renewal_enabled", on
    yield "auto_renewal_enabled-late", replace(on, first_attempt_at=None)
    yield "auto_renewal_disabled", switched_off
    yield "renewal_declined", RenewalDeclineNoted(expires_on=LAST_DAY, ends_at=ENDS_AT)


def _restored() -> Iterator[tuple[str, LifecycleData]]:
    """A quota that is enough again, in both modes."""
    full = QuotaRestored(protection_mode=ProtectionMode.FULL, servers=QuotaUse(registered=11, quota=18), cores=None)
    yield "quota_restored-full", full
    yield "quota_restored-partial", replace(full, protection_mode=ProtectionMode.PARTIAL)


def sample_event(data: LifecycleData, *, version: int = 7, id: str = "lc-0007") -> LifecycleEvent:  # noqa: A002
    name = LIFECYCLE_TYPE[type(data)]
    return LifecycleEvent(
        id=id,
        type=name,
        kind=kind_of(name),
        time=NOON,
        recordedat=NOON,
        metadata=LifecycleMetadata(
            account_id="acct-1",
            subscription_id="sub-1",
            version=version,
            cause=Cause(type="timer", id="timer-1"),
            actor=Actor.SYSTEM,
        ),
        data=data,
        traceparent=None,
        envelope={},
    )


def _terms() -> Iterator[tuple[str, LifecycleData]]:
    yield "activated-off", activated
    yield "activated-partial", replace(activated, specification=PARTIAL)
    yield "activated-on", replace(activated, auto_renewal=auto_renewal_plan)
    yield "activated-late", replace(activated, auto_renewal=replace(auto_renewal_plan, first_attempt_at=None))
    yield "renewed-manual", renewed
    yield "renewed-automatic", automatic
    yield "renewed-automatic-without-a-coupon", replace(automatic, discount=Decimal("0.00"), charged=Decimal("1234.50"))
    yield "renewed-free", replace(automatic, discount=Decimal("1234.50"), charged=Decimal("0.00"))
    yield "renewed-reactivated", replace(renewed, reactivated=True, retained=RETAINED)
    yield "renewed-reactivated-nothing", replace(renewed, reactivated=True, retained={})


def _warnings() -> Iterator[tuple[str, LifecycleData]]:
    yield "auto_renewal_failed-next", failed
    last = replace(failed, discount=Decimal("0.00"), shortfall=Decimal("134.25"), next_attempt_at=None)
    yield "auto_renewal_failed-last", last
    yield "renewal_upcoming-covered", renewal_upcoming
    yield "renewal_upcoming-unknown_before", replace(renewal_upcoming, previous_fee=None)
    yield "renewal_upcoming-short", charge_short
    yield "renewal_upcoming-dearer", replace(renewal_upcoming, previous_fee=Decimal("700.00"))
    free = replace(renewal_upcoming, discount=Decimal("921.00"), coupon_id="spring-10", balance=Decimal("12.00"))
    yield "renewal_upcoming-free", free
    yield "renewal_upcoming-obstacles", replace(charge_short, obstacles=obstacles)
    yield "renewal_due-off", renewal_due
    yield "renewal_due-will_charge", covered
    yield "renewal_due-short", short
    yield "renewal_due-failed", replace(short, auto_renewal=AutoRenewalStatus.FAILED)
    yield "renewal_due-declined", replace(renewal_due, auto_renewal=AutoRenewalStatus.DECLINED)
    yield "renewal_due-obstacles", replace(renewal_due, obstacles=obstacles)
    yield "renewal_due-tomorrow", replace(renewal_due, days_left=1)
    yield "renewal_due-today", replace(renewal_due, days_left=0)
    yield "quota_exceeded-full", quota_exceeded
    yield "quota_exceeded-partial", quota_exceeded_partial


def _endings() -> Iterator[tuple[str, LifecycleData]]:
    yield "expired", expired
    yield "expired-nothing", replace(expired, retained={})
    yield "release_due", release_due
    yield "release_due-nothing", replace(release_due, retained={})
    yield "released", released
    yield "released-nothing", replace(released, purged={})


def _rejections() -> Iterator[tuple[str, LifecycleData]]:
    for code in RejectionCode:
        yield f"order_rejected-{code}", rejected(code)


def _acts() -> Iterator[tuple[str, LifecycleData]]:
    extended = TermExtended(
        extension_id="extension-4711",
        days=3,
        expires_on=LAST_DAY,
        ends_at=ENDS_AT,
        retained_until=None,
        reactivated=False,
        anchor_day=1,
        operator="o.perez",
        reason="Outage of last week",
    )
    yield "extended-active", extended
    yield "extended-reactivated", replace(extended, reactivated=True)
    yield "extended-grace", replace(extended, days=1, retained_until=RELEASE_AT)
    yield "renewal_cancelled-ours", renewal_cancelled
    yield "renewal_cancelled-yours", replace(renewal_cancelled, operator=None)
    refunded = replace(renewal_cancelled, refunded=Decimal("1111.05"), balance_after=Decimal("1200.00"))
    yield "renewal_cancelled-refunded", replace(refunded, auto_renewal_off=True)
