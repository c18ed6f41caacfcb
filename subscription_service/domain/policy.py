"""The settings of the rules: days, hours and limits of the policy file, prices and ranges of the catalog file.

Plain values; `policy_files` reads the files and checks them. Which edition is "up" or "down" (R16, R19) is the order of
`Edition`'s members.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.contracts.types import Edition, Feature
from subscription_service.domain.calendar import billing_day


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderRow:
    """When subscriptions are reminded whose last term has at least `min_months`, in one of `editions`, empty for any
    (R51). `days` before E, the largest first, at `hour` of the billing zone's day.
    """

    days: tuple[int, ...]
    hour: int
    min_months: int = 1
    editions: tuple[Edition, ...] = ()

    def fits(self, months: int, edition: Edition) -> bool:
        """Whether it is about a last term of so many months in this edition."""
        return months >= self.min_months and (not self.editions or edition in self.editions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Days count back from E, the largest first. Hours are full hours of the billing zone's day.

    `reminders`: the first row that fits counts in place of `reminder_days` and `reminder_hour` (R51).

    `charge_notice_days`: before the day of the first attempt to deduct a fee; empty: no notice (R49).

    `earlier`: what the data were timed by before this policy took effect, where that is known; no value of the file.

    `park_for`, `park_limit`, `park_limit_bytes`: how long, how many and how large the events may be that wait for one
    account's purchase (R40). `claim_retention_days`: how long event ids are remembered (R39).
    """

    version: str
    billing_zone: ZoneInfo
    reminder_days: tuple[int, ...] = (7,)
    reminders: tuple[ReminderRow, ...] = ()
    charge_notice_days: tuple[int, ...] = ()
    auto_renewal_attempt_days: tuple[int, ...] = (9, 8, 7, 6, 5, 4, 3, 2, 1)
    grace_days: int = 7
    deduction_hour: int = 8
    reminder_hour: int = 10
    charge_notice_hour: int = 10
    release_reminder_hour: int = 10
    park_for: timedelta = timedelta(minutes=15)
    park_limit: int = 10_000
    park_limit_bytes: int = 10_000_000
    claim_retention_days: int = 35
    earlier: "EarlierPolicy | None" = field(default=None, repr=False)

    @property
    def days_told_ahead(self) -> int:
        """No reminder and no notice tells of an attempt more days ahead (R30, R49)."""
        reminders = (days for row in self.reminders for days in row.days)
        own = max((*self.reminder_days, *reminders, *self.charge_notice_days), default=0)
        return own if self.earlier is None else max(own, self.earlier.policy.days_told_ahead)

    @property
    def gives_charge_notices(self) -> bool:
        """Whether any notice may be due (R49)."""
        return bool(self.charge_notice_days) or (self.earlier is not None and self.earlier.policy.gives_charge_notices)

    def has_same_due(self, other: "Policy") -> bool:
        """Whether by both the same is due at the same instants: they differ in nothing, or in what no timer asks."""
        return self == replace(other, **{name: getattr(self, name) for name in _NEVER_DUE})

    def reminders_of(self, months: int, edition: Edition) -> tuple[tuple[int, ...], int]:
        """Days and hour of the reminders where the last term has so many months in this edition (R29, R51)."""
        for row in self.reminders:
            if row.fits(months, edition):
                return row.days, row.hour
        return self.reminder_days, self.reminder_hour


_NEVER_DUE: Final = (
    *("version", "grace_days", "park_for", "park_limit", "park_limit_bytes"),
    *("claim_retention_days", "earlier"),
)
"""Fields of `Policy` from which no timer is worked out; when grace is over was stored when it began (R35)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPolicy:
    """`policy` says what was due up to `until` (UTC, a whole second): the restart at which another took effect (R51).

    Its own `earlier` is that of the restart before.
    """

    policy: Policy
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionCounts:
    """What quota of an edition counts (R7)."""

    counts_servers: bool
    counts_cores: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRange:
    """0, or `minimum` to `maximum` (None: no end) in whole `step`s (R10)."""

    unit: str
    minimum: int
    step: int
    maximum: int | None


class EditionPrice(NamedTuple):
    """Price of an edition per server and per core and month; 0 for what it does not count."""

    server_price: Decimal = Decimal(0)
    core_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What everything costs from the billing day `valid_from` on, until the next list begins (R50). It has every
    `Edition`, and every `Feature` with its price per unit and month.
    """

    version: str
    valid_from: date
    editions: Mapping[Edition, EditionPrice]
    features: Mapping[Feature, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What is sold; it has every `Edition` and every `Feature`. Prices are in `currency` (ISO 4217).

    `price_lists`: the earliest first; the first one holds from `date.min` on, so every day has one.
    """

    currency: str
    editions: Mapping[Edition, EditionCounts]
    features: Mapping[Feature, FeatureRange]
    price_lists: tuple[PriceList, ...]

    def prices_on(self, day: date) -> PriceList:
        """The list in force on a billing day (R50)."""
        return self.price_lists[bisect_right(self.price_lists, day, key=attrgetter("valid_from")) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Policy and catalog: what every decision is given."""

    policy: Policy
    catalog: Catalog

    def of_then(self, at: datetime) -> "Rules":
        """With the policy by which something was due at an instant (UTC). Prices have days of their own."""
        earlier = self.policy.earlier
        if earlier is None or at > earlier.until:
            return self
        return Rules(policy=earlier.policy, catalog=self.catalog).of_then(at)

    def prices_at(self, at: datetime) -> PriceList:
        """The list in force on the billing day of an instant (UTC) (R50)."""
        lists = self.catalog.price_lists
        if len(lists) == 1:
            return lists[0]  # of most catalogs, asked for with every order
        return self.catalog.prices_on(billing_day(at, self.policy.billing_zone))
