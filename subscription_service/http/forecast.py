"""The operators' forecast: `/api/forecast`. `forecasting` works it out.

One forecast is worked out at a time, in processes of their own, so that a caller in a loop takes the rest of the
machine and no more.
"""

from collections.abc import Sequence
from datetime import date
from os import getpid
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from shared.contracts.fields import MONEY, AccountId, CatalogCurrency, ExpiresOn, Fee, Shortfall, described
from shared.contracts.lifecycle_parts import Obstacle
from shared.contracts.scalars import Amount
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.storage.database import transaction
from shared.web.operators import operators_router
from shared.web.rate_limits import too_many
from subscription_service import forecasting
from subscription_service.domain.forecast import MAX_DAYS, ForecastDay, Shortage
from subscription_service.domain.policy import Rules
from subscription_service.forecasting import PROCESSES, ForecastFailed, Job

MAX_NAMED: Final = 10_000


class Deductions(BaseModel):
    """Automatic renewals of a day."""

    accounts: Annotated[int, described("How many fees are deducted.", 1200)]
    amount: Annotated[Amount, described(f"What is deducted from balances. {MONEY}", "40200.00")]


class Failures(BaseModel):
    """Deductions that fail on a day."""

    attempts: Annotated[int, described("How many attempts fail.", 90)]
    accounts: Annotated[int, described("How many accounts fail for the first time for their E.", 10)]
    shortfall: Annotated[Amount, described(f"What these accounts lack. {MONEY}", "335.00")]


class Announcements(BaseModel):
    """What accounts are told on a day of what is to come."""

    notices: Annotated[int, described("How many notices of a coming deduction (`renewal_upcoming`, R49).", 40)]
    reminders: Annotated[int, described("How many reminders of an expiry (`renewal_due`, R29).", 1300)]
    release_reminders: Annotated[int, described("How many reminders of a release (`release_due`, R34).", 28)]


class ShortOfBalance(BaseModel):
    """An account whose deduction fails."""

    account_id: AccountId
    expires_on: ExpiresOn
    fee: Fee
    shortfall: Shortfall

    @classmethod
    def of(cls, shortage: Shortage) -> Self:
        return cls.model_validate(shortage, from_attributes=True)


class ShortOfQuota(BaseModel):
    """An account that expires and could not be renewed as it is."""

    account_id: AccountId
    expires_on: ExpiresOn
    obstacles: Annotated[Sequence[Obstacle], described("What would refuse a renewal by hand (R14).")]

    @classmethod
    def of(cls, shortage: Shortage) -> Self:
        return cls(account_id=shortage.account_id, expires_on=shortage.expires_on, obstacles=shortage.obstacles)


class Day(BaseModel):
    """One billing day."""

    day: Annotated[date, described("Calendar day in the billing zone.", "2026-02-19")]
    deducted: Deductions
    failed: Failures
    expired: Annotated[int, described("How many subscriptions expire: grace begins at 00:00 after E.", 31)]
    without_quota: Annotated[int, described("How many of these could not be renewed as they are (R14).", 2)]
    released: Annotated[int, described("How many subscriptions are released.", 28)]
    announced: Announcements
    short_of_balance: Annotated[Sequence[ShortOfBalance], described("The first of `failed.accounts`, by id.")]
    short_of_quota: Annotated[Sequence[ShortOfQuota], described("The first of `without_quota`, by id.")]

    @classmethod
    def of(cls, day: ForecastDay) -> Self:
        return cls(
            day=day.day,
            deducted=Deductions(accounts=day.deducted, amount=day.amount),
            failed=Failures(attempts=day.attempts_failed, accounts=day.without_balance, shortfall=day.lacking),
            expired=day.expired,
            without_quota=day.without_quota,
            released=day.released,
            announced=Announcements.model_validate(day, from_attributes=True),
            short_of_balance=[ShortOfBalance.of(each) for each in day.short_of_balance],
            short_of_quota=[ShortOfQuota.of(each) for each in day.short_of_quota],
        )


class ForecastDocument(BaseModel):
    """What will happen day by day, if nothing changes."""

    as_of: Annotated[AwareDatetime, described("The service clock when it was begun; UTC.", "2026-02-12T06:40:00Z")]
    currency: CatalogCurrency
    accounts: Annotated[int, described("On how many accounts something is due by itself.", 480_000)]
    left_out: Annotated[int, described("How many accounts could not be foretold, by a fault of the service.", 0)]
    days: Annotated[Sequence[Day], described("Billing days, the present one first.")]


def router(context: ServiceContext, rules: Rules) -> APIRouter:
    """`/api/forecast`."""
    forecasts = _Forecasts(context, rules)
    made = operators_router("/api/forecast", "forecast")
    made.get("")(forecasts.forecast)
    return made


class _Forecasts:
    """Works out one at a time."""

    def __init__(self, context: ServiceContext, rules: Rules) -> None:
        self._context = context
        self._rules = rules
        self._busy = False

    async def forecast(
        self,
        days: Annotated[
            int, Query(ge=1, le=MAX_DAYS, description="How many billing days, the present one first.")
        ] = 30,
        named: Annotated[
            int, Query(ge=0, le=MAX_NAMED, description="How many accounts are named at most, of each kind and day.")
        ] = 100,
    ) -> ForecastDocument:
        """What will be deducted, expire, be released and be announced, day by day, if nothing changes, and who will
        fail.

        Worked out by the code that runs the timers. While one is under way, another is answered 429.
        """
        if self._busy:
            raise too_many("A forecast is under way; please wait until it is done.")
        self._busy = True
        try:
            return await self._work_out(days, named)
        finally:
            self._busy = False

    async def _work_out(self, days: int, named: int) -> ForecastDocument:
        async with transaction(self._context.http_engine) as connection:
            now = await self._context.clock.now(connection)
        try:
            found, left_out = await forecasting.forecast(self._job(now=now, days=days, named=named))
        except ForecastFailed as failed:
            raise Transient(f"the forecast: {failed}") from None
        return ForecastDocument(
            as_of=now,
            currency=self._rules.catalog.currency,
            accounts=found.accounts,
            left_out=left_out,
            days=[Day.of(day) for day in found.days],
        )

    def _job(self, **asked: Any) -> Job:
        return Job(
            url=self._context.settings.database_url.get_secret_value(),
            schema=self._context.schema,
            rules=self._rules,
            share_number=0,
            shares=PROCESSES,
            parent=getpid(),
            **asked,
        )
