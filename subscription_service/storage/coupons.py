"""Coupons: one row per coupon, issued by an event and used up by one order (R24), and one per revocation (R45)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import Index, text

from shared.contracts.acts import CouponRevoked
from shared.contracts.lifecycle import Renewed
from shared.contracts.purchases import CouponIssued
from shared.storage.bulk import Bulk, Row, insert, update
from shared.storage.columns import Selection, names_of
from shared.storage.database import Connection
from shared.storage.tables import Instant, OptionalText, Text, TextKey
from subscription_service.domain.calendar import billing_day, days_after
from subscription_service.domain.model import Coupon
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.metadata import Amount, OptionalAmount, SubscriptionTable


class CouponRow(SubscriptionTable, table=True):
    """`used_by`: the order that has used it up."""

    __tablename__ = "coupon"
    __table_args__ = (
        Index(
            "coupon_ends",
            "account_id",
            "minimum_spend",
            "valid_until",
            "coupon_id",
            postgresql_ops={"coupon_id": "text_pattern_ops"},
            postgresql_where=text("used_by IS NULL"),
        ),
        Index(
            "coupon_begins",
            "account_id",
            "minimum_spend",
            "valid_from",
            "valid_until",
            postgresql_where=text("used_by IS NULL"),
        ),
    )
    coupon_id: TextKey
    account_id: Text
    amount_off: OptionalAmount
    percent_off: int | None
    minimum_spend: Amount
    valid_from: date
    valid_until: date
    used_by: OptionalText


class CouponRevocationRow(SubscriptionTable, table=True):
    """A coupon that may not be used any more, also where it is still to come. `at`: `time` of the first revocation."""

    __tablename__ = "coupon_revocation"
    account_id: TextKey
    coupon_id: TextKey
    operator: Text
    reason: Text
    at: Instant


_ISSUED = names_of(CouponRow, without=["used_by"])
_READ = Selection(CouponRow, *_ISSUED)
_LOWEST: Final = (
    "(SELECT min(minimum_spend) FROM coupon"
    " WHERE account_id = {of}.account_id AND used_by IS NULL AND valid_until >= {of}.first_day{above}) AS spend"
)
_ONE_SPEND: Final = """SELECT * FROM coupon
    WHERE account_id = spends.account_id AND minimum_spend = spend AND used_by IS NULL AND NOT EXISTS (
        SELECT 1 FROM coupon_revocation r WHERE r.account_id = coupon.account_id AND r.coupon_id = coupon.coupon_id)"""
# One minimum spend after the other, so that an index gives the first coupons of each, however many follow: by last day
# and by id, whose characters are compared one by one (`~<~`), as Python does.
_USABLE = Bulk(
    CouponRow,
    f"""
    WITH RECURSIVE spends AS (
        SELECT n.*, {_LOWEST.format(of="n", above="")} FROM {{rows}}
        UNION ALL SELECT account_id, first_day, last_day, enough,
            {_LOWEST.format(of="before", above=" AND minimum_spend > before.spend")}
        FROM spends AS before WHERE spend IS NOT NULL)
    SELECT {{columns}} FROM (SELECT found.* FROM spends CROSS JOIN LATERAL (
        ({_ONE_SPEND} AND valid_from <= first_day AND valid_until >= last_day
            ORDER BY valid_until, coupon_id USING ~<~ LIMIT enough)
        UNION ALL {_ONE_SPEND} AND valid_from <= last_day AND valid_until >= first_day AND valid_until < last_day
        UNION ALL {_ONE_SPEND} AND valid_from > first_day AND valid_from <= last_day AND valid_until >= last_day
        ) AS found WHERE spend IS NOT NULL) AS usable
    """,
    ("account_id",),
    also={"first_day": "valid_until", "last_day": "valid_until", "enough": "percent_off"},
    reads=_READ,
)
_ISSUE = insert(CouponRow, _ISSUED)
_REVOKE = insert(CouponRevocationRow, or_ignore=True)
_REVOKED = Bulk(
    CouponRevocationRow,
    "SELECT account_id, coupon_id FROM {rows} JOIN coupon_revocation USING ({names})",
    ("account_id", "coupon_id"),
)
_USE = update(CouponRow, ("coupon_id", "used_by"))


FAR_AHEAD: Final = date(9999, 1, 1)
"""A day that stands for no end. The driver would write `date.max` as infinity, from which no day can be subtracted."""


class Days(NamedTuple):
    """Billing days on which a coupon may be tried: these and those between them. `events`: how many events of the
    account are decided with them.
    """

    first: date
    last: date
    events: int = 0

    @classmethod
    def between(cls, first: datetime, now: datetime, zone: ZoneInfo, *, events: int, ahead: int = 0) -> Self:
        """From the day of `first` up to so many days after that of `now` (both UTC), which is later or the same."""
        today = billing_day(now, zone)
        return cls(min(billing_day(first, zone), today), days_after(today, ahead), events)

    @property
    def coupons(self) -> int:
        """So many at most are tried: timers use up one a day, and each event uses up or revokes one (R25, R45)."""
        return (self.last - self.first).days + 1 + self.events


async def usable(connection: Connection, days: Mapping[str, Days]) -> dict[str, tuple[Coupon, ...]]:
    """Account id -> its unused coupons among which the one stands that is tried on any of its days for any fee.

    Of those with the same minimum spend that can be used on all of the days, the first suffice (R24), as many as may be
    taken away. Accounts without a coupon are left out.
    """
    coupons: defaultdict[str, list[Coupon]] = defaultdict(list)
    rows = [
        {"account_id": account_id, "first_day": each.first, "last_day": each.last, "enough": each.coupons}
        for account_id, each in days.items()
    ]
    for row in await _USABLE.fetch(connection, rows):
        coupons[row.account_id].append(_coupon(row))
    return {account_id: tuple(found) for account_id, found in coupons.items()}


async def revoked(connection: Connection, coupons: Collection[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Which of these coupons (account id, coupon id) are revoked: account id -> coupon ids."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = [{"account_id": account_id, "coupon_id": coupon_id} for account_id, coupon_id in sorted(coupons)]
    for account_id, coupon_id in await _REVOKED.fetch(connection, rows):
        found[account_id].add(coupon_id)
    return {account_id: frozenset(ids) for account_id, ids in found.items()}


async def save(connection: Connection, applied: Iterable[Incoming], emitted: Iterable[EmittedEvent]) -> None:
    """Store coupons that were issued and revoked, and which orders have used some up."""
    await _REVOKE.run(connection, _revocations(applied))
    issued = [event.event.data for event in applied if isinstance(event.event.data, CouponIssued)]
    renewals = [event.data for event in emitted if isinstance(event.data, Renewed)]
    await _ISSUE.run(connection, [_row(data) for data in issued])
    used = [{"coupon_id": data.coupon_id, "used_by": data.order_id} for data in renewals if data.coupon_id]
    await _USE.run(connection, used)


def _revocations(applied: Iterable[Incoming]) -> list[Row]:
    return [
        {
            "account_id": data.account_id,
            "coupon_id": data.coupon_id,
            "operator": data.operator,
            "reason": data.reason,
            "at": event.event.time,
        }
        for event in applied
        if isinstance(data := event.event.data, CouponRevoked)
    ]


def _coupon(row: Any) -> Coupon:
    return Coupon(
        coupon_id=row.coupon_id,
        amount_off=row.amount_off,
        percent_off=row.percent_off,
        minimum_spend=row.minimum_spend,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _row(data: CouponIssued) -> Row:
    return {
        "coupon_id": data.coupon_id,
        "account_id": data.account_id,
        "amount_off": data.amount_off,
        "percent_off": data.percent_off,
        "minimum_spend": data.minimum_spend,
        "valid_from": data.valid_from,
        "valid_until": data.valid_until,
    }
