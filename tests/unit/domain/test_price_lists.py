"""Price lists with a date (R50): which list prices what. Each boundary is 00:00 of the billing zone (UTC+8)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import Activated, Expired, LifecycleData, ReleaseDue, RenewalDue, Renewed
from shared.contracts.lifecycle import SpecificationChanged as Changed
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, AutoRenewalSwitchedOn
from shared.contracts.lifecycle_parts import AutoRenewalStatus, Quote, RejectionCode
from subscription_service.domain.orders import order_entries
from subscription_service.domain.policy import Rules
from subscription_service.domain.reminders import quote
from subscription_service.domain.timeline import timeline
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.price_lists import dated
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    automatic,
    change,
    credit,
    day,
    enable,
    purchase,
    refusal,
    renewal,
    renewal_with,
    specification,
    started,
    when,
)

MONTH = Decimal("275.00")
"""A month of the sample specification by the first list."""
DEARER = dated(("2026-02-01", 2))
LAST_INSTANT, FIRST_INSTANT = "2026-01-31 23:59:59", "2026-02-01 00:00:00"
EDGES = pytest.mark.parametrize(("at", "times", "version"), [(LAST_INSTANT, 1, "2026-11"), (FIRST_INSTANT, 2, "2x")])


def usd(fee: Decimal, months: int = 1) -> Quote:
    return Quote(months=months, fee=fee, currency="USD")


def one(kind: type[LifecycleData], emitted: list[LifecycleData]) -> LifecycleData:
    (found,) = [event for event in emitted if isinstance(event, kind)]
    return found


def version_of_the_last_order(scenario: Scenario, cause: str) -> tuple[Decimal | None, str]:
    at, event = scenario.log[-1]
    [*_, entry] = order_entries(event, account=scenario.account, cause_type=cause, at=at, rules=scenario.rules)
    return entry.fee, entry.catalog_version


@pytest.mark.rule("R50")
def test_every_day_has_the_list_that_began_last() -> None:
    catalog = dated(("2026-02-01", 2), ("2026-03-01", 3)).catalog
    days = (date.min, day("2026-01-31"), day("2026-02-01"), day("2026-02-28"), day("2026-03-01"), date.max)
    assert [catalog.prices_on(each).version for each in days] == ["2026-11", "2026-11", "2x", "2x", "3x", "3x"]
    assert {RULES.catalog.prices_on(each).version for each in days} == {"2026-11"}


@pytest.mark.rule("R50")
@EDGES
def test_an_order_is_priced_by_the_list_of_its_billing_day_and_keeps_its_version(
    at: str, times: int, version: str
) -> None:
    bought = Scenario(rules=DEARER)
    (activated,) = bought.receive(at, purchase())
    assert isinstance(activated, Activated)
    assert activated.price == usd(times * MONTH)
    assert version_of_the_last_order(bought, "tenure.purchase.ordered.v1") == (times * MONTH, version)
    renewed = started("2026-01-15 09:00", rules=DEARER)
    event = one(Renewed, renewed.receive(at, renewal(months=2)))
    assert isinstance(event, Renewed)
    assert event.price == usd(times * 2 * MONTH, 2)
    assert version_of_the_last_order(renewed, "tenure.renewal.ordered.v1") == (times * 2 * MONTH, version)
    other = started("2026-01-15 09:00", rules=DEARER)
    event = one(Renewed, other.receive(at, renewal_with(specification("advanced", servers=2, cores=0))))
    assert isinstance(event, Renewed)
    assert event.price == usd(times * Decimal("19.00"))


@pytest.mark.rule("R50", "R4")
def test_an_order_that_is_read_late_is_priced_as_of_its_decision_s_day() -> None:
    scenario = started("2026-01-15 09:00", rules=DEARER)
    event = one(Renewed, scenario.receive(LAST_INSTANT, renewal(), now=when("2026-02-01 12:00")))
    assert isinstance(event, Renewed)
    assert event.price == usd(MONTH)


@pytest.mark.rule("R50", "R19")
@EDGES
def test_a_price_difference_takes_both_prices_from_today_s_list(at: str, times: int, version: str) -> None:
    scenarios = {
        each.catalog.price_lists[-1].version: started("2026-01-15 09:00", rules=each) for each in (RULES, DEARER)
    }
    by_list = {
        name: one(Changed, scenario.receive(at, change(specification(servers=20))))
        for name, scenario in scenarios.items()
    }
    plain, dearer = by_list["2026-11"], by_list["2x"]
    assert isinstance(plain, Changed)
    assert isinstance(dearer, Changed)
    assert plain.price_difference is not None
    assert dearer.price_difference is not None
    assert abs(dearer.price_difference - times * plain.price_difference) <= Decimal("0.01")
    assert version_of_the_last_order(scenarios["2x"], "tenure.specification.change_ordered.v1")[1] == version


@pytest.mark.rule("R50", "R27")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-06", "550.00"), ("2026-02-07", "275.00")])
def test_a_deduction_takes_the_list_of_its_day(begins: str, fee: str) -> None:
    scenario = automatic(rules=dated((begins, 2)))
    scenario.receive("2026-01-16 09:00", credit("1000.00"))
    event = one(Renewed, scenario.advance_to("2026-02-06 08:00"))
    assert isinstance(event, Renewed)
    assert (event.fee, event.charged, event.price) == (Decimal(fee), Decimal(fee), usd(Decimal(fee)))
    version = "2x" if fee == "550.00" else "2026-11"
    assert version_of_the_last_order(scenario, "timer") == (Decimal(fee), version)


@pytest.mark.rule("R50", "R25")
def test_a_failed_deduction_lacks_what_its_day_s_list_asks_for() -> None:
    scenario = automatic(rules=dated(("2026-02-07", 2)))
    scenario.receive("2026-01-16 09:00", credit("100.00"))
    failures = [event for event in scenario.advance_to("2026-02-07 08:00") if isinstance(event, AutoRenewalFailed)]
    assert [(each.fee, each.shortfall) for each in failures] == [
        (Decimal("275.00"), Decimal("175.00")),
        (Decimal("550.00"), Decimal("450.00")),
    ]


@pytest.mark.rule("R50", "R25")
@pytest.mark.parametrize(("credited", "fee"), [("2026-02-06 23:59:59", "275.00"), ("2026-02-07 00:00:00", "550.00")])
def test_the_attempt_after_a_credit_takes_the_list_of_that_day(credited: str, fee: str) -> None:
    scenario = automatic(rules=dated(("2026-02-07", 2)))
    scenario.advance_to("2026-02-06 08:00")
    event = one(Renewed, scenario.receive(credited, credit("1000.00")))
    assert isinstance(event, Renewed)
    assert event.charged == Decimal(fee)


@pytest.mark.rule("R50", "R30")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-08", "550.00"), ("2026-02-09", "275.00")])
def test_a_reminder_without_auto_renewal_quotes_its_own_day_s_list(begins: str, fee: str) -> None:
    scenario = started("2026-01-15 09:00", rules=dated((begins, 2)))
    reminder = one(RenewalDue, scenario.advance_to("2026-02-08 10:00"))
    assert isinstance(reminder, RenewalDue)
    assert reminder.quote == usd(Decimal(fee))


@pytest.mark.rule("R50", "R30")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-06", "550.00"), ("2026-02-07", "275.00")])
def test_a_reminder_of_what_will_be_charged_quotes_the_next_attempt_s_day(begins: str, fee: str) -> None:
    scenario = automatic(rules=dated((begins, 2), reminder_days=(12,)))
    reminder = one(RenewalDue, scenario.advance_to("2026-02-03 10:00"))
    assert isinstance(reminder, RenewalDue)
    assert (reminder.auto_renewal, reminder.attempt_at) == (AutoRenewalStatus.WILL_CHARGE, when("2026-02-06 08:00"))
    assert (reminder.quote.fee, reminder.shortfall) == (Decimal(fee), Decimal(fee))


@pytest.mark.rule("R50", "R30")
def test_a_reminder_after_a_failure_quotes_the_next_attempt_s_day_and_after_the_last_one_its_own() -> None:
    next_day = automatic(rules=dated(("2026-02-09", 2)))
    reminder = one(RenewalDue, next_day.advance_to("2026-02-08 10:00"))
    assert isinstance(reminder, RenewalDue)
    assert (reminder.auto_renewal, reminder.quote.fee) == (AutoRenewalStatus.FAILED, Decimal("550.00"))
    last = automatic(rules=dated(("2026-02-09", 2), auto_renewal_attempt_days=(9,)))
    reminder = one(RenewalDue, last.advance_to("2026-02-08 10:00"))
    assert isinstance(reminder, RenewalDue)
    assert (reminder.attempt_at, reminder.quote.fee) == (None, Decimal("275.00"))


@pytest.mark.rule("R50")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-16", "550.00"), ("2026-02-17", "275.00")])
def test_expiry_quotes_the_list_of_the_day_that_begins_with_it(begins: str, fee: str) -> None:
    scenario = started("2026-01-15 09:00", rules=dated((begins, 2)))
    expired = one(Expired, scenario.advance_to("2026-02-16 00:00"))
    assert isinstance(expired, Expired)
    assert expired.quote == usd(Decimal(fee))


@pytest.mark.rule("R50")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-22", "550.00"), ("2026-02-23", "275.00")])
def test_the_last_warning_quotes_its_own_day_s_list(begins: str, fee: str) -> None:
    scenario = started("2026-01-15 09:00", rules=dated((begins, 2)))
    warning = one(ReleaseDue, scenario.advance_to("2026-02-22 10:00"))
    assert isinstance(warning, ReleaseDue)
    assert warning.quote == usd(Decimal(fee))


@pytest.mark.rule("R50")
@EDGES
def test_switching_auto_renewal_on_and_a_quote_state_today_s_price(at: str, times: int, version: str) -> None:
    scenario = started("2026-01-15 09:00", rules=DEARER)
    (event,) = scenario.receive(at, enable())
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.quote == usd(times * MONTH)
    assert quote(scenario.active, 12, at=when(at), rules=DEARER) == usd(times * 12 * MONTH, 12)
    assert DEARER.prices_at(when(at)).version == version


@pytest.mark.rule("R50", "R41")
def test_a_price_that_is_too_large_is_so_by_the_list_of_the_order_s_day() -> None:
    huge = purchase(specification=specification(servers=30_000_000_000))
    assert isinstance(Scenario(rules=DEARER).receive(LAST_INSTANT, huge)[0], Activated)
    refused = refusal(Scenario(rules=DEARER).receive(FIRST_INSTANT, huge))
    assert refused.code is RejectionCode.AMOUNT_OUT_OF_RANGE


@pytest.mark.rule("R50", "R42")
@pytest.mark.parametrize(("now", "version"), [(LAST_INSTANT, "2026-11"), (FIRST_INSTANT, "2x")])
def test_an_imported_order_has_no_fee_and_the_version_of_the_day_on_which_it_was_taken_over(
    now: str, version: str
) -> None:
    term = imported_term("old-1", starts="2026-01-16 00:00", expires="2026-02-15")
    scenario = Scenario(rules=DEARER)
    scenario.receive(now, import_of(term))
    event = scenario.only(Imported)
    cause = "tenure.subscription.imported.v1"
    [entry] = order_entries(event, account=scenario.account, cause_type=cause, at=when(now), rules=DEARER)
    assert (entry.fee, entry.catalog_version) == (None, version)


@pytest.mark.rule("R50")
def test_the_timeline_charges_each_cycle_by_the_list_of_its_deduction() -> None:
    rules: Rules = dated(("2026-03-01", 2))
    scenario = automatic(rules=rules)
    scenario.receive("2026-01-16 09:00", credit("2000.00"))
    entries = timeline(scenario.account, now=when("2026-01-16 09:00"), rules=rules, limit=3)
    assert [each.details.get("charged") for each in entries if "charged" in each.details] == [MONTH, 2 * MONTH]
    assert entries[0].at + timedelta(days=20) < entries[-1].at
