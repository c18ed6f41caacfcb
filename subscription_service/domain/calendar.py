"""Days and instants: the billing zone's calendar on one side, UTC on the other.

Every conversion between the two is here, so that no other module names a zone's arithmetic.
Instants in and out are aware; those that come out are UTC.
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
    """The instant at which `day` begins."""
    return at_hour(day, 0, zone)


def billing_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day in the zone."""
    return instant.astimezone(zone).date()


def days_before(day: date, count: int) -> date:
    return day - timedelta(days=count)


def days_after(day: date, count: int) -> date:
    return day + timedelta(days=count)


def add_months(day: date, months: int, anchor_day: int) -> date:
    """`months` later on the anchor's day number, clamped to the month's last day (R1).

    The anchor, not `day`, gives the number, so that a short month leaves no trace.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(anchor_day, monthrange(year, month + 1)[1]))


def end_of(expires_on: date, zone: ZoneInfo) -> datetime:
    """`ends_at` of a term whose E is `expires_on`: the day after begins."""
    return midnight(expires_on + DAY, zone)
