"""Conversions between the calendar of a zone and instants. All of them are here.

Instants that come in are aware, those that come out are UTC. `zone` is the policy's billing zone.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@lru_cache(maxsize=8192)
def at_hour(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clock shows `hour`:00 on `day`."""
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` begins in the zone."""
    return at_hour(day, 0, zone)


@lru_cache(maxsize=8192)
def billing_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant in the zone."""
    return instant.astimezone(zone).date()


def days_before(day: date, count: int) -> date:
    """The calendar day so many days earlier."""
    return day - count * DAY


def days_after(day: date, count: int) -> date:
    """The calendar day so many days later."""
    return day + count * DAY


@lru_cache(maxsize=8192)
def add_months(day: date, months: int, anchor_day: int) -> date:
    """So many months later, on day number `anchor_day`, clamped to the month's last day (R1).

    The number is the anchor's and not `day`'s, so that it comes back after a short month.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(anchor_day, monthrange(year, month + 1)[1]))


def end_of(expires_on: date, zone: ZoneInfo) -> datetime:
    """`ends_at` of a term whose E is `expires_on`: the instant at which the day after it begins."""
    return midnight(expires_on + DAY, zone)
