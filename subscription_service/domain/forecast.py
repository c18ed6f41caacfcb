"""What will happen to all accounts, billing day by billing day, if nothing comes: deductions, expiries, releases, who
will not be renewed for want of balance or quota, and how many reminders and notices announce that.

Those of each account's own timers that change something are run on a copy, and announcements are counted at the
instants at which they are due, so forecast and reality cannot differ. Accounts are added one by one; forecasts of
different accounts can be added up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final

from msgspec import structs

from shared.contracts.lifecycle import Expired, LifecycleData, Released, ReleaseDue, RenewalDue, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, RenewalUpcoming
from shared.contracts.lifecycle_parts import Obstacle
from subscription_service.domain.calendar import billing_day, days_after, midnight
from subscription_service.domain.model import ZERO, Account, Active
from subscription_service.domain.policy import Rules
from subscription_service.domain.pricing import total
from subscription_service.domain.reminders import obstacles
from subscription_service.domain.timeline import Foreseen, foresee
from subscription_service.domain.timers import TimerKind, announced_before, next_change

MAX_DAYS: Final = 366
"""A year, so that the end of a yearly term can be foretold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """An account that will fail. For want of balance: its first failed attempt for this E, with `fee` and `shortfall`.
    For want of quota: it expires, and what would refuse a renewal then (R14).
    """

    account_id: str
    expires_on: date
    fee: Decimal | None = None
    shortfall: Decimal | None = None
    obstacles: Sequence[Obstacle] = ()


@dataclass(slots=True, kw_only=True)
class ForecastDay:
    """One billing day. Numbers count all accounts; `short_of_balance` and `short_of_quota` name the first ones, by id.

    `attempts_failed`: deductions that fail, each attempt. `without_balance`: accounts that fail for the first time for
    their E; `lacking`: what these lack. `without_quota`: accounts that expire and could not be renewed as they are.
    `notices`, `reminders`, `release_reminders`: `renewal_upcoming` (R49), `renewal_due` (R29) and `release_due` (R34).
    """

    day: date
    deducted: int = 0
    amount: Decimal = ZERO
    attempts_failed: int = 0
    without_balance: int = 0
    lacking: Decimal = ZERO
    expired: int = 0
    without_quota: int = 0
    released: int = 0
    notices: int = 0
    reminders: int = 0
    release_reminders: int = 0
    short_of_balance: list[Shortage] = field(default_factory=list)
    short_of_quota: list[Shortage] = field(default_factory=list)


class Forecast:
    """So many billing days from the one of `now` (UTC), the service clock, on; at most `named` accounts of each kind
    are named for a day. What is overdue counts for the first day.
    """

    def __init__(self, days: int, *, now: datetime, rules: Rules, named: int) -> None:
        self.now = now
        self.accounts = 0
        self._rules = rules
        self._named = named
        self._zone = rules.policy.billing_zone
        self._first = billing_day(now, self._zone)
        self.until = midnight(days_after(self._first, days), self._zone)
        self.days = [ForecastDay(day=days_after(self._first, number)) for number in range(days)]

    def add(self, account: Account) -> None:
        """Run one account ahead."""
        self.accounts += 1
        failed_for: set[date] = set()
        while (timer := next_change(account, self._rules.policy)) is not None and timer.at < self.until:
            announced = self._count_announcements(account, timer.at)
            foreseen = foresee(announced, timer, now=self.now, rules=self._rules)
            day = self._day_of(timer.at)
            for event in foreseen.events:
                self._count(day, foreseen, event, failed_for)
            account = foreseen.after
        self._count_announcements(account, self.until)

    def merge(self, days: Iterable[ForecastDay]) -> None:
        """Add the days of a forecast of other accounts."""
        for own, other in zip(self.days, days, strict=True):
            own.amount, own.lacking = total(own.amount, other.amount), total(own.lacking, other.lacking)
            for name in _COUNTS:
                setattr(own, name, getattr(own, name) + getattr(other, name))
            for name in _LISTS:
                self._name(getattr(own, name), *getattr(other, name))

    def finish(self) -> None:
        """Leave no more accounts named than were asked for."""
        for day in self.days:
            for name in _LISTS:
                _cut(getattr(day, name), self._named)

    def _day_of(self, at: datetime) -> ForecastDay:
        return self.days[max(0, (billing_day(at, self._zone) - self._first).days)]

    def _count_announcements(self, account: Account, until: datetime) -> Account:
        """Those before `until`, if no change comes earlier; the account after them."""
        announced = announced_before(account, until, self._rules.policy)
        for at, kind in announced:
            day, name = self._day_of(at), _ANNOUNCED[kind]
            setattr(day, name, getattr(day, name) + 1)
        return structs.replace(account, decided_at=max(announced).at) if announced else account

    def _count(self, day: ForecastDay, foreseen: Foreseen, event: LifecycleData, failed_for: set[date]) -> None:
        match event:
            case Renewed():
                day.deducted += 1
                day.amount = total(day.amount, event.charged or ZERO)
            case AutoRenewalFailed():
                day.attempts_failed += 1
                self._add_failure(day, foreseen.before, event, failed_for)
            case Expired():
                day.expired += 1
                self._add_expiry(day, foreseen.before, event)
            case Released():
                day.released += 1
            case RenewalUpcoming():
                day.notices += 1
            case RenewalDue():
                day.reminders += 1
            case ReleaseDue():
                day.release_reminders += 1

    def _add_failure(self, day: ForecastDay, account: Account, event: AutoRenewalFailed, failed_for: set[date]) -> None:
        expires_on = event.expires_on
        if expires_on is None or expires_on in failed_for:
            return
        failed_for.add(expires_on)
        day.without_balance += 1
        day.lacking = total(day.lacking, event.shortfall)
        short = Shortage(account_id=account.account_id, expires_on=expires_on, fee=event.fee, shortfall=event.shortfall)
        self._name(day.short_of_balance, short)

    def _add_expiry(self, day: ForecastDay, account: Account, event: Expired) -> None:
        live = account.subscription
        found = obstacles(account, live, self._rules.catalog) if isinstance(live, Active) else ()
        if found:
            day.without_quota += 1
            short = Shortage(account_id=account.account_id, expires_on=event.expires_on, obstacles=found)
            self._name(day.short_of_quota, short)

    def _name(self, shortages: list[Shortage], *more: Shortage) -> None:
        """Those with the smallest ids stay; the list is cut now and then only."""
        shortages.extend(more)
        if len(shortages) > 2 * self._named + 100:
            _cut(shortages, self._named)


def _cut(shortages: list[Shortage], limit: int) -> None:
    shortages.sort(key=attrgetter("account_id", "expires_on"))
    del shortages[limit:]


_ANNOUNCED: Final = {
    TimerKind.NOTICE: "notices",
    TimerKind.REMINDER: "reminders",
    TimerKind.RELEASE_REMINDER: "release_reminders",
}
_COUNTS: Final = (
    *("deducted", "attempts_failed", "without_balance", "expired", "without_quota", "released"),
    *_ANNOUNCED.values(),
)
_LISTS: Final = ("short_of_balance", "short_of_quota")
