"""What a change of policy or catalog means for data that exist, in words, and whether it is accepted. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.runtime.counts import counted
from subscription_service.domain.calendar import billing_day
from subscription_service.policy_files.comparison import BILLING_ZONE, CURRENCY, Change, RuleDocument, changes


class AffectedData(Protocol):
    """Numbers of accounts and coupons; `balance`: the sum of all balances."""

    @property
    def subscriptions(self) -> int: ...

    @property
    def in_grace(self) -> int: ...

    @property
    def balances(self) -> int: ...

    @property
    def balance(self) -> Decimal: ...

    @property
    def coupons(self) -> int: ...


def is_accepted(answer: str | None, fingerprint: str) -> bool:
    """`answer`: the setting `TENURE_ACCEPT_POLICY_CHANGE`: `yes`, or the fingerprint of exactly these rules."""
    return answer is not None and answer.lower() in ("yes", fingerprint)


def refusal(differing: Iterable[Change], fingerprint: str, data: AffectedData) -> str:
    """Why the start stops, what the changes would mean, and how to accept them."""
    meaning = " ".join(effects_on_data(differing, data))
    return (
        f"Policy or catalog differ from what the data were made with. {meaning} Start with the files from before, or"
        f" accept the change with TENURE_ACCEPT_POLICY_CHANGE={fingerprint} (or --accept-policy-change)."
    )


def altered_prices(before: RuleDocument, after: RuleDocument, now: datetime) -> str | None:
    """Why the start stops at `now` (UTC) where prices of days up to today would be others than those by which orders
    were priced (R50). None where all that changes lies ahead.
    """
    today = billing_day(now, ZoneInfo(before[BILLING_ZONE]))
    changed = ((each, each.prices_from) for each in changes(before, after))
    altered = [str(each) for each, day in changed if day is not None and day <= today]
    if not altered:
        return None
    return (
        f"A price list that was in force may not be altered ({'; '.join(altered)}). Put it back as it was, and add new"
        f" prices as a list of [[price_lists]] whose valid_from is later than today, {today}."
    )


def effects_on_data(differing: Iterable[Change], data: AffectedData) -> Iterator[str]:
    """One or two sentences per change that needs to be accepted."""
    for change in differing:
        if change.needs_acceptance:
            yield f"{change}. {_meaning(change, data)}"


def _meaning(change: Change, data: AffectedData) -> str:
    match change.name:
        case n if n == CURRENCY:
            balances, coupons = counted(data.balances, "balance"), counted(data.coupons, "unused coupon")
            return (
                f"{balances} ({data.balance:,} in all) and {coupons} in {change.before} would count as {change.after};"
                " nothing is converted."
            )
        case n if n == BILLING_ZONE:
            subscriptions = counted(data.subscriptions, "subscription")
            return (
                f"Days and hours of {subscriptions} would be counted in {change.after}; terms keep their instants,"
                " reminders, deductions and the ends of later terms move."
            )
        case _:
            days = counted(change.before - change.after, "day")
            active = counted(data.subscriptions - data.in_grace, "active subscription")
            return (
                f"What expires from now on would be deleted {days} earlier than its customers may expect ({active});"
                f" what is in grace ({data.in_grace:,}) keeps its date."
            )
