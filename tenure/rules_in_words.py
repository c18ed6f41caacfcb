"""What a policy and a catalog say, in words: one (name, sentence) per value, for `tenure check`. Pure."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

from shared.runtime.counts import counted
from subscription_service.domain.policy import (
    Catalog,
    EditionCounts,
    EditionPrice,
    FeatureRange,
    Policy,
    PriceList,
    ReminderRow,
)

Line: TypeAlias = tuple[str, str]


def policy_in_words(policy: Policy) -> Iterator[Line]:
    """Days, hours and limits. E is the last day of service."""
    minutes = policy.park_for.total_seconds() / 60
    yield "billing zone", f"{policy.billing_zone.key}; all days and hours below are of this zone"
    for row in policy.reminders:
        yield f"reminders, {_whom(row)}", f"{_days(row.days)} before E, at {row.hour:02}:00"
    others = "reminders of all others" if policy.reminders else "reminders"
    yield others, f"{_days(policy.reminder_days)} before E, at {policy.reminder_hour:02}:00"
    attempts = _days(policy.auto_renewal_attempt_days)
    yield "deductions", f"tried {attempts} before E, at {policy.deduction_hour:02}:00, and once after each credit"
    if policy.charge_notice_days:
        notices = _days(policy.charge_notice_days)
        yield "notices of deductions", f"{notices} before the first one, at {policy.charge_notice_hour:02}:00"
    yield (
        "grace",
        f"{_days((policy.grace_days,))} after E everything is kept; the last warning comes one day before the end,"
        f" at {policy.release_reminder_hour:02}:00",
    )
    most = f"{counted(policy.park_limit, 'event')} and {policy.park_limit_bytes:,} bytes"
    yield "waiting for a purchase", f"{minutes:g} min; per account at most {most}"
    yield "ids of events", f"recognized for {_days((policy.claim_retention_days,))}"


def catalog_in_words(catalog: Catalog) -> Iterator[Line]:
    """Prices per month by the first list, and what can be ordered of each feature."""
    ranges = {feature.value: _range_in_words(allowed) for feature, allowed in catalog.features.items()}
    for name, price in prices_in_words(catalog.price_lists[0], catalog):
        yield name, f"{price}; {ranges[name]}" if name in ranges else price


def prices_in_words(prices: PriceList, catalog: Catalog) -> Iterator[Line]:
    """Prices per month by one list (R50)."""
    for edition, price in prices.editions.items():
        yield edition.value, _price_in_words(price, catalog.editions[edition], catalog.currency)
    for feature, amount in prices.features.items():
        yield feature.value, f"{_money(amount, catalog.currency)} per {catalog.features[feature].unit} and month"


def _price_in_words(price: EditionPrice, counts: EditionCounts, currency: str) -> str:
    parts = []
    if counts.counts_servers:
        parts.append(f"{_money(price.server_price, currency)} per server")
    if counts.counts_cores:
        parts.append(f"{_money(price.core_price, currency)} per core")
    return f"{' and '.join(parts)} and month" if parts else "add-ons only"


def _range_in_words(allowed: FeatureRange) -> str:
    smallest = max(allowed.minimum, allowed.step)
    span = f"{smallest:,} or more" if allowed.maximum is None else f"{smallest:,} to {allowed.maximum:,}"
    steps = f" in steps of {allowed.step:,}" if allowed.step > 1 else ""
    return f"0, or {span}{steps}"


def _money(amount: Decimal, currency: str) -> str:
    return f"{amount:f} {currency}"


def _whom(row: ReminderRow) -> str:
    """Whom a row is about, where no row before it is."""
    term = "any term" if row.min_months == 1 else f"terms of {row.min_months} months or more"
    return f"{term} in {' or '.join(row.editions)}" if row.editions else term


def _days(days: Iterable[int]) -> str:
    *others, last = days
    return f"{', '.join(map(str, others))} and {last} days" if others else counted(last, "day")
