"""The forecast is what then happens: day by day, for any life, as long as nothing comes."""

import pickle
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from shared.contracts.lifecycle import Expired, LifecycleData, Released, ReleaseDue, RenewalDue, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, RenewalUpcoming
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.forecast import Forecast, ForecastDay
from subscription_service.domain.model import Account
from subscription_service.domain.policy import ReminderRow, Rules
from tests.kit.examples import examples
from tests.unit.domain.lives import take, timed
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    automatic,
    credit,
    day,
    registered,
    rich,
    rules,
    specification,
    started,
    when,
)
from tests.unit.domain.strategies import LIVES, Life

ZONE = RULES.policy.billing_zone
TALKATIVE = rules(
    charge_notice_days=(14, 7, 1),
    deduction_hour=10,  # the hour of notices and reminders
    reminders=(
        ReminderRow(days=(30, 9, 1), hour=10, min_months=3),
        ReminderRow(days=(9, 8, 3), hour=10),
    ),
)
COUNTED: Final[dict[type[LifecycleData], str]] = {
    Renewed: "deducted",
    AutoRenewalFailed: "attempts_failed",
    Expired: "expired",
    Released: "released",
    RenewalUpcoming: "notices",
    RenewalDue: "reminders",
    ReleaseDue: "release_reminders",
}


def forecast(now: datetime, days: int, *accounts: Account, named: int = 100, rules: Rules = RULES) -> list[ForecastDay]:
    found = Forecast(days, now=now, rules=rules, named=named)
    for account in accounts:
        found.add(account)
    found.finish()
    return found.days


def foretold(days: list[ForecastDay]) -> dict[str, dict[str, Any]]:
    """What is counted on which day, of the days on which anything is."""
    found = {}
    for one in days:
        values = {name: getattr(one, name) for name in (*COUNTED.values(), "amount")}
        if any(values.values()):
            found[str(one.day)] = {name: value for name, value in values.items() if value}
    return found


def happened(scenario: Scenario, first: int, today: date) -> dict[str, dict[str, Any]]:
    """The same of a log from its entry number `first` on."""
    days: dict[str, Counter[str]] = {}
    for at, event in scenario.log[first:]:
        if type(event) in COUNTED:
            counts = days.setdefault(str(max(billing_day(at, ZONE), today)), Counter())
            counts[COUNTED[type(event)]] += 1
            if isinstance(event, Renewed) and event.charged:
                counts["amount"] += event.charged  # type: ignore[assignment]
    return {on: dict(counts) for on, counts in days.items()}


@pytest.mark.rule("R20", "R25", "R29", "R31", "R34", "R35", "R49", "R51")
@given(
    life=LIVES,
    days=st.integers(1, 90),
    pause=st.timedeltas(timedelta(0), timedelta(days=20)),
    rules=st.sampled_from([RULES, TALKATIVE]),
)
@settings(max_examples=examples(100), deadline=None)
def test_the_forecast_is_what_then_happens(life: Life, days: int, pause: timedelta, rules: Rules) -> None:
    scenario = Scenario(rules=rules)
    for time, command in timed(life):
        take(scenario, time, command)
    now, first = time + pause, len(scenario.log)
    expected = forecast(now, days, scenario.account, rules=rules)
    today = billing_day(now, ZONE)
    end = when(f"{today + timedelta(days=days)} 00:00")
    scenario.advance_to(end - timedelta(seconds=1))
    assert foretold(expected) == happened(scenario, first, today)


@pytest.mark.rule("R20", "R31")
def test_the_last_day_ends_with_its_midnight_and_the_first_is_today() -> None:
    plain = started()  # E is 15 February, so it expires at 00:00 on the 16th
    plain.advance_to("2026-02-08 10:00")
    now = when("2026-02-14 23:59")
    assert [one.day for one in forecast(now, 2, plain.account)] == [day("2026-02-14"), day("2026-02-15")]
    assert foretold(forecast(now, 2, plain.account)) == {}
    assert foretold(forecast(now, 3, plain.account)) == {"2026-02-16": {"expired": 1}}


@pytest.mark.rule("R4")
def test_what_is_overdue_counts_for_today() -> None:
    plain = started().account
    overdue = {"reminders": 1, "expired": 1}
    assert foretold(forecast(when("2026-02-20 12:00"), 1, plain)) == {"2026-02-20": overdue}


@pytest.mark.rule("R29", "R34", "R49")
def test_notices_and_reminders_are_counted_on_their_days() -> None:
    """E is 15 February: the first attempt on the 6th, so its notice on 30 January."""
    days = forecast(when("2026-01-29 12:00"), 60, automatic().account, rules=rules(charge_notice_days=(7,)))
    announced = [(str(one.day), one.notices, one.reminders, one.release_reminders) for one in days]
    assert [each for each in announced if any(each[1:])] == [
        ("2026-01-30", 1, 0, 0),
        ("2026-02-08", 0, 1, 0),
        ("2026-02-22", 0, 0, 1),
    ]


@pytest.mark.rule("R29")
def test_a_reminder_that_was_sent_is_not_counted_and_one_at_the_last_midnight_neither() -> None:
    early = rules(reminder_hour=0)
    scenario = started(rules=early)
    assert [one.reminders for one in forecast(when("2026-02-07 12:00"), 1, scenario.account, rules=early)] == [0]
    assert [one.reminders for one in forecast(when("2026-02-07 12:00"), 2, scenario.account, rules=early)] == [0, 1]
    scenario.advance_to("2026-02-08 00:00")
    assert [one.reminders for one in forecast(when("2026-02-07 12:00"), 2, scenario.account, rules=early)] == [0, 0]


@pytest.mark.rule("R25")
def test_who_lacks_balance_is_named_on_the_first_day_on_which_the_deduction_fails() -> None:
    poor, paying = automatic().account, rich().account
    days = {str(one.day): one for one in forecast(when("2026-02-01 12:00"), 30, poor, paying)}
    sixth = days["2026-02-06"]
    assert (sixth.deducted, sixth.attempts_failed, sixth.without_balance) == (1, 1, 1)
    [short] = sixth.short_of_balance
    assert (short.account_id, short.expires_on, short.fee, short.shortfall) == (
        poor.account_id,
        day("2026-02-15"),
        Decimal("275.00"),
        Decimal("275.00"),
    )
    seventh = days["2026-02-07"]
    assert (seventh.attempts_failed, seventh.without_balance, seventh.short_of_balance) == (1, 0, [])
    later = {str(one.day): one for one in forecast(when("2026-02-08 12:00"), 30, poor)}
    assert later["2026-02-08"].without_balance == 1  # overdue: tried for the first time today


@pytest.mark.rule("R14")
def test_who_lacks_quota_is_named_on_the_day_on_which_it_expires() -> None:
    small = started(specification=specification("advanced", servers=1))
    small.receive("2026-01-20 09:00", registered("s-1"), registered("s-2"))
    fitting = started(specification=specification("advanced", servers=2))
    fitting.receive("2026-01-20 09:00", registered("s-1"), registered("s-2"))
    days = forecast(when("2026-02-01 12:00"), 30, small.account, fitting.account)
    [expiring] = [one for one in days if one.expired]
    assert (str(expiring.day), expiring.expired, expiring.without_quota) == ("2026-02-16", 2, 1)
    [short] = expiring.short_of_quota
    assert [(one.code, one.required, one.offered) for one in short.obstacles] == [("servers_below_inventory", 2, 1)]


def test_so_many_are_named_those_with_the_smallest_ids_and_all_are_counted() -> None:
    poor = automatic().account
    many = [structs.replace(poor, account_id=f"acct-{number:03}") for number in range(350)]
    days = forecast(when("2026-02-01 12:00"), 10, *reversed(many), named=3)
    [failing] = [one for one in days if one.without_balance]
    assert (failing.without_balance, failing.lacking) == (350, 350 * Decimal("275.00"))
    assert [one.account_id for one in failing.short_of_balance] == ["acct-000", "acct-001", "acct-002"]
    assert all(not one.short_of_balance for one in forecast(when("2026-02-01 12:00"), 10, *many, named=0))


def test_shares_add_up_to_the_whole_also_through_a_pickle() -> None:
    now = when("2026-02-01 12:00")
    paying = started(auto_renewal=True)
    paying.receive("2026-01-20 09:00", credit("5000.00"))
    accounts = [
        structs.replace(each, account_id=f"acct-{number}")
        for number, each in enumerate([automatic().account, paying.account, started().account] * 3)
    ]
    whole = Forecast(40, now=now, rules=RULES, named=4)
    for share in (accounts[:4], accounts[4:]):
        days = forecast(now, 40, *share, named=4)
        whole.merge(pickle.loads(pickle.dumps(days)))
    whole.finish()
    assert whole.days == forecast(now, 40, *accounts, named=4)
    assert pickle.loads(pickle.dumps(RULES)) == RULES
