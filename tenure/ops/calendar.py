"""The renewal calendar: what is to be renewed on each of the next days, as numbers and as bars of a chart. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from subscription_service.domain.pricing import total
from tenure.ops.accounts import RenewalSum
from tenure.ops.renewals import ZERO, Outlook
from tenure.ops.words import OUTLOOKS

DAYS: Final = 30
_WIDTH: Final = 100 / DAYS
_HIGHEST: Final = 92
"""Percent of the chart's height that the highest day takes."""

Renewals = Mapping[date, Mapping[Outlook, RenewalSum]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of a day in the calendar: percent of the chart's width and height, from its left and its top."""

    outlook: Outlook
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """What is to be renewed on one E."""

    day: date
    href: str
    why: str
    fees: Decimal
    lacking: Decimal
    sums: Mapping[Outlook, RenewalSum]
    bars: Sequence[Bar]


def calendar_days(renewals: Renewals, today: date) -> Sequence[CalendarDay]:
    """The next 30 days of E, today first."""
    days = [today + timedelta(days=number) for number in range(DAYS)]
    highest = max([_fees(renewals.get(day, {})) for day in days] + [Decimal(1)])
    return [_day(number, day, renewals.get(day, {}), highest) for number, day in enumerate(days)]


def sum_of(renewals: Renewals, outlook: Outlook, today: date) -> RenewalSum:
    """Of one outlook over the calendar's days."""
    last = today + timedelta(days=DAYS - 1)
    found = [sums[outlook] for day, sums in renewals.items() if today <= day <= last and outlook in sums]
    return RenewalSum(
        sum(each.accounts for each in found),
        total(ZERO, *(each.fees for each in found)),
        total(ZERO, *(each.lacking for each in found)),
    )


def window(today: date) -> Mapping[str, str]:
    """The calendar's days, as parameters of a list of accounts."""
    return {"expires_from": today.isoformat(), "expires_to": (today + timedelta(days=DAYS - 1)).isoformat()}


def accounts(**wanted: str) -> str:
    """The address of a list of accounts."""
    return f"/ops/accounts?{urlencode(wanted)}"


def money(amount: Decimal) -> str:
    """With thousands apart."""
    return f"{amount:,.2f}"


def _day(number: int, day: date, sums: Mapping[Outlook, RenewalSum], highest: Decimal) -> CalendarDay:
    count, fees = sum(each.accounts for each in sums.values()), _fees(sums)
    parts = "; ".join(f"{OUTLOOKS[o].label}: {s.accounts:,} for {money(s.fees)}" for o, s in sorted(sums.items()))
    return CalendarDay(
        day=day,
        href=accounts(state="active", expires_from=day.isoformat(), expires_to=day.isoformat()),
        why=f"{day:%a %-d %b}: {count:,} subscriptions, {money(fees)} at list price. {parts}",
        fees=fees,
        lacking=total(ZERO, *(each.lacking for each in sums.values())),
        sums=sums,
        bars=list(_bars(number, sums, highest)),
    )


def _bars(number: int, sums: Mapping[Outlook, RenewalSum], highest: Decimal) -> Iterator[Bar]:
    """From the bottom up."""
    top = 100.0
    for outlook in Outlook:
        height = float(sums.get(outlook, RenewalSum()).fees * _HIGHEST / highest)
        top -= height
        if height:
            yield Bar(outlook=outlook, x=(number + 0.1) * _WIDTH, y=top, width=0.8 * _WIDTH, height=height)


def _fees(sums: Mapping[Outlook, RenewalSum]) -> Decimal:
    return total(ZERO, *(each.fees for each in sums.values()))
