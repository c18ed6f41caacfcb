"""Switching auto-renewal on and off, and declining the renewal (R3, R21, R22, R28)."""

from decimal import Decimal
from typing import Final

import pytest

from shared.contracts.lifecycle import RenewalDeclineNoted, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, AutoRenewalSwitchedOff, AutoRenewalSwitchedOn
from shared.contracts.lifecycle_parts import Quote
from subscription_service.domain.model import AutoRenewal
from tests.unit.domain.scenario import (
    automatic,
    credit,
    day,
    decline,
    disable,
    enable,
    purchase,
    recorded,
    refusal,
    renewal,
    rich,
    rules,
    snapshot,
    specification,
    started,
    when,
)

ENDS: Final = (day("2026-02-15"), when("2026-02-16 00:00"))


@pytest.mark.rule("R21")
def test_enabling_takes_effect_the_next_day() -> None:
    scenario = started("2026-01-15 09:00")
    (event,) = scenario.receive("2026-01-20 23:59:59", enable(3))
    assert event == AutoRenewalSwitchedOn(
        cycle_months=3,
        effective_on=day("2026-01-21"),
        first_attempt_at=when("2026-02-06 08:00"),
        specification=specification(),
        quote=Quote(months=3, fee=Decimal("825.00"), currency="USD"),
    )


@pytest.mark.rule("R21")
@pytest.mark.parametrize(
    ("enabled", "first"),
    [
        ("2026-02-05 23:59:59", "2026-02-06 08:00"),  # effective on the day itself, before 08:00
        ("2026-02-06 00:00:00", "2026-02-07 08:00"),  # effective a day after it
        ("2026-02-06 12:00:00", "2026-02-07 08:00"),
        ("2026-02-13 23:59:59", "2026-02-14 08:00"),  # the last day on which it can be enabled
    ],
)
def test_once_the_day_of_the_deduction_has_passed_the_first_attempt_is_the_next_morning(
    enabled: str, first: str
) -> None:
    scenario = started("2026-01-15 09:00")
    event = scenario.receive(enabled, enable(), credit("1000.00"))[-1]
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when(first)
    scenario.advance_to("2026-02-15 23:59:59")
    assert scenario.times(Renewed) == [when(first)]


@pytest.mark.rule("R21")
def test_until_a_new_cycle_takes_effect_the_old_one_holds() -> None:
    scenario = rich()
    scenario.receive("2026-02-06 07:00:00", enable(12))
    (event,) = scenario.advance_to("2026-02-06 08:00:00")
    assert isinstance(event, Renewed)
    assert event.term.months == 1


@pytest.mark.rule("R21")
def test_from_the_next_day_on_the_new_cycle_holds() -> None:
    scenario = rich()
    scenario.receive("2026-02-05 23:59:59", enable(3))
    scenario.advance_to("2026-02-06 08:00:00")
    assert scenario.only(Renewed).term.months == 3


@pytest.mark.rule("R21")
def test_a_second_change_of_mind_keeps_what_was_in_effect() -> None:
    scenario = automatic()
    scenario.receive("2026-01-20 09:00", enable(3))
    scenario.receive("2026-01-20 10:00", enable(12))
    assert scenario.active.auto_renewal == AutoRenewal(cycle_months=12, effective_on=day("2026-01-21"), held_cycle=1)
    fresh = started("2026-01-15 09:00")
    fresh.receive("2026-01-20 09:00", enable(3))
    fresh.receive("2026-01-20 10:00", enable(12))
    assert fresh.active.auto_renewal == AutoRenewal(cycle_months=12, effective_on=day("2026-01-21"))


@pytest.mark.rule("R21")
def test_a_repeat_that_changes_nothing_leads_to_no_event() -> None:
    scenario = started("2026-01-15 09:00")
    assert scenario.receive("2026-01-16 09:00", disable()) == []
    assert len(scenario.receive("2026-01-16 09:00", enable(3))) == 1
    assert scenario.receive("2026-01-17 09:00", enable(3)) == []
    assert len(scenario.receive("2026-01-18 09:00", decline())) == 1
    assert scenario.receive("2026-01-19 09:00", decline()) == []
    assert scenario.account.version == 3


@pytest.mark.rule("R3")
@pytest.mark.parametrize("months", [0, 2, 6, 24])
def test_a_cycle_is_one_three_or_twelve_months(months: int) -> None:
    event = refusal(started().receive("2026-01-16 09:00", enable(months)))
    assert (event.code, event.required, event.offered) == ("invalid_cycle", "1, 3 or 12", months)


@pytest.mark.rule("R22")
def test_on_the_day_before_e_it_is_too_late_to_enable() -> None:
    scenario = started("2026-01-15 09:00")
    assert isinstance(scenario.receive("2026-02-13 23:59:59", enable())[-1], AutoRenewalSwitchedOn)
    late = started("2026-01-15 09:00")
    event = refusal(late.receive("2026-02-14 00:00:00", enable())[1:])
    assert (event.code, event.required, event.offered) == ("auto_renewal_too_late", "2026-02-13", "2026-02-14")
    assert refusal(late.receive("2026-02-17 00:00:00", enable())[1:]).code == "auto_renewal_too_late"


@pytest.mark.rule("R21", "R22", "R25")
def test_enabling_after_the_last_listed_day_is_still_tried_the_next_morning() -> None:
    scenario = started("2026-01-15 09:00", rules=rules(auto_renewal_attempt_days=(9, 5, 3)))
    event = scenario.receive("2026-02-13 23:59:59", enable())[-1]
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-14 08:00")
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.times(AutoRenewalFailed) == [when("2026-02-14 08:00")]
    assert scenario.only(AutoRenewalFailed).next_attempt_at is None


@pytest.mark.rule("R28")
def test_disabling_takes_effect_at_once() -> None:
    scenario = rich()
    (event,) = scenario.receive("2026-02-06 07:59:59", disable())
    assert event == AutoRenewalSwitchedOff(
        cycle_months=1, effective_on=day("2026-02-06"), first_attempt_at=None, expires_on=ENDS[0], ends_at=ENDS[1]
    )
    scenario.advance_to("2026-02-15 00:00")
    assert scenario.times(Renewed) == []


@pytest.mark.rule("R28")
def test_disabling_ends_an_outstanding_failure() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-06 08:00")
    scenario.receive("2026-02-06 09:00", disable())
    assert scenario.receive("2026-02-06 10:00", credit("1000.00")) == []


@pytest.mark.rule("R28")
def test_declining_switches_off_with_one_event() -> None:
    scenario = rich()
    assert scenario.receive("2026-01-20 09:00", decline()) == [RenewalDeclineNoted(expires_on=ENDS[0], ends_at=ENDS[1])]
    assert (scenario.active.auto_renewal, scenario.active.declined) == (None, True)
    scenario.advance_to("2026-02-15 00:00")
    assert scenario.times(Renewed) == []


@pytest.mark.rule("R28")
def test_renewing_enabling_and_buying_take_a_decline_back() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-20 09:00", decline(), renewal())
    assert not scenario.active.declined
    scenario.receive("2026-01-20 09:00", decline(), enable())
    assert not scenario.active.declined
    scenario.receive("2026-01-20 09:00", decline())
    scenario.advance_to("2026-04-01 00:00")
    scenario.receive("2026-04-01 00:00", purchase("p-2"))
    assert not scenario.active.declined


@pytest.mark.rule("R28")
def test_declining_in_grace_is_noted() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.receive("2026-02-17 00:00", decline()) == [RenewalDeclineNoted(expires_on=ENDS[0], ends_at=ENDS[1])]
    assert (scenario.grace.auto_renewal, scenario.grace.declined) == (None, True)


@pytest.mark.rule("R28")
def test_release_switches_off_without_an_event_of_its_own() -> None:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", snapshot({"s-1": (1, False)}), recorded("team"))
    event = scenario.advance_to("2026-02-23 00:00")
    assert not any(isinstance(event, AutoRenewalSwitchedOff) for event in event)
    assert refusal(scenario.receive("2026-02-23 09:00", disable())).code == "subscription_released"
