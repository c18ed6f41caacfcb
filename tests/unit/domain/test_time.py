"""Days, months and the instant of a decision (R1-R4)."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.lifecycle import Activated, Expired, Released, RenewalDue, Renewed
from subscription_service.domain.calendar import add_months, at_hour, billing_day, end_of
from subscription_service.domain.context import instant_of
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    day,
    purchase,
    refusal,
    renewal,
    rules,
    started,
    when,
)

ZONE = RULES.policy.billing_zone


@pytest.mark.rule("R1")
def test_a_short_month_leaves_no_trace_on_the_anchor() -> None:
    scenario = started("2024-01-31 09:00", months=1)
    assert scenario.active.terms[-1].expires_on == day("2024-02-29")
    for number, expires_on in enumerate(["2024-03-31", "2024-04-30", "2024-05-31"]):
        scenario.receive("2024-02-01 09:00", renewal(f"r-{number}"))
        assert scenario.active.terms[-1].expires_on == day(expires_on)


@pytest.mark.rule("R1")
@cases(
    ("start", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),  # leap year
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),  # over the year's end
        ("2026-08-31", 36, "2029-08-31"),
    ],
)
def test_months_keep_the_day_number_or_the_month_s_last_day(start: str, months: int, expected: str) -> None:
    assert add_months(day(start), months, day(start).day) == day(expected)


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    ("bought", "expires_on"),
    [("2026-01-15 23:59:59", "2026-02-15"), ("2026-01-16 00:00:00", "2026-02-16")],
)
def test_the_anchor_is_the_day_in_the_billing_zone_and_not_in_utc(bought: str, expires_on: str) -> None:
    assert started(bought).active.terms[0].expires_on == day(expires_on)


@pytest.mark.rule("R1")
def test_a_term_ends_when_the_day_after_e_begins_in_the_billing_zone() -> None:
    assert end_of(day("2026-02-15"), ZONE) == when("2026-02-16 00:00") == datetime(2026, 2, 15, 16, tzinfo=UTC)
    assert billing_day(end_of(day("2026-02-15"), ZONE) - timedelta(seconds=1), ZONE) == day("2026-02-15")
    assert at_hour(day("2026-02-15"), 8, ZONE) == datetime(2026, 2, 15, 0, tzinfo=UTC)


@pytest.mark.rule("R2")
def test_the_first_term_starts_at_the_purchase_s_instant() -> None:
    scenario = Scenario()
    scenario.receive(when("2026-01-15 09:00:07") + timedelta(microseconds=900_000), purchase())
    assert scenario.active.terms[0].starts_at == when("2026-01-15 09:00:07")
    assert scenario.only(Activated).ends_at == when("2026-02-16 00:00")


@pytest.mark.rule("R3")
@cases("months", [*range(1, 13), 24, 36])
def test_every_duration_on_offer_is_taken(months: int) -> None:
    assert started(months=months).active.terms[0].months == months


@pytest.mark.rule("R3")
@cases("months", [-1, 0, 13, 23, 25, 35, 37, 48])
def test_any_other_duration_is_refused(months: int) -> None:
    scenario = Scenario()
    emitted = refusal(scenario.receive("2026-01-15 09:00", purchase(months=months)))
    assert (emitted.code, emitted.required, emitted.offered) == ("invalid_duration", "1 to 12, 24 or 36", months)
    assert refusal(started().receive("2026-01-16 09:00", renewal(months=months))).code == "invalid_duration"


@pytest.mark.rule("R4")
def test_an_instant_is_the_event_s_time_within_clock_and_last_decision() -> None:
    ten = when("2026-01-15 10:00:00")
    second = timedelta(seconds=1)
    assert instant_of(ten, ten + second, None) == ten
    assert instant_of(ten + second, ten, None) == ten
    assert instant_of(ten - second, ten, ten) == ten
    assert instant_of(ten + second, ten + second, ten) == ten + second


@pytest.mark.rule("R4")
def test_an_instant_is_cut_to_the_second_before_it_is_compared() -> None:
    ten = when("2026-01-15 10:00:00")
    assert instant_of(ten + timedelta(microseconds=999_999), ten + timedelta(minutes=1), ten) == ten


@pytest.mark.rule("R4")
def test_a_late_order_is_decided_no_earlier_than_the_last_decision() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-20 09:00", renewal("r-1"))
    scenario.receive("2026-01-18 09:00", renewal("r-2"), now=when("2026-01-20 10:00"))
    assert scenario.log[-1][0] == when("2026-01-20 09:00")


@pytest.mark.rule("R4")
def test_a_timer_goes_before_an_event_of_the_same_instant() -> None:
    scenario = started("2026-01-15 09:00")
    emitted = scenario.receive("2026-02-16 00:00:00", renewal())
    assert [type(event) for event in emitted] == [RenewalDue, Expired, Renewed]
    assert scenario.only(Renewed).reactivated


@pytest.mark.rule("R4")
def test_an_order_one_second_before_the_end_is_in_time_even_if_it_is_read_later() -> None:
    scenario = started("2026-01-15 09:00")
    emitted = scenario.receive("2026-02-15 23:59:59", renewal(), now=when("2026-02-18 12:00"))
    assert [type(event) for event in emitted] == [RenewalDue, Renewed]
    assert not scenario.only(Renewed).reactivated


@pytest.mark.rule("R4")
def test_after_a_downtime_every_transition_happens_once_in_order() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-06-01 00:00")
    assert scenario.times(RenewalDue) == [when("2026-02-08 10:00")]
    assert scenario.times(Expired) == [when("2026-02-16 00:00")]
    assert scenario.times(Released) == [when("2026-02-23 00:00")]
    assert scenario.log == sorted(scenario.log, key=lambda entry: entry[0])
    assert scenario.advance_to("2026-07-01 00:00") == []


@pytest.mark.rule("R4")
def test_what_is_due_at_one_instant_happens_all_in_its_order() -> None:
    together = rules(reminder_hour=8, reminder_days=(9, 7))
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=together)
    assert [type(event).__name__ for event in scenario.advance_to("2026-02-06 08:00")] == [
        "AutoRenewalFailed",
        "RenewalDue",
    ]
    assert [type(event).__name__ for event in scenario.advance_to("2026-02-08 08:00")] == [
        "AutoRenewalFailed",
        "AutoRenewalFailed",
        "RenewalDue",
    ]
