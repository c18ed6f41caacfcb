"""Notice before a charge (R49): when it comes, what it says, and when it is left out."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from shared.contracts.lifecycle import LifecycleData, RenewalDue, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, RenewalUpcoming
from shared.contracts.lifecycle_parts import Quote
from subscription_service.domain.timeline import timeline
from subscription_service.domain.timers import TimerKind, kinds_at
from tests.unit.domain.acts import cancel, extend
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    automatic,
    credit,
    day,
    decline,
    disable,
    enable,
    renewal,
    restarted,
    rules,
    started,
    when,
)

pytestmark = pytest.mark.rule("R49")

WEEK = rules(charge_notice_days=(7,))
"""E = 15 February, first attempt 6 February 08:00: the notice is due on 30 January at 10:00."""
DUE, BEFORE = "2026-01-30 10:00:00", "2026-01-30 09:59:59"


def notices(scenario: Scenario) -> list[str]:
    """When notices came, on the clock of the billing zone."""
    zone = RULES.policy.billing_zone
    return [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in scenario.times(RenewalUpcoming)]


def the_notice(emitted: list[LifecycleData]) -> RenewalUpcoming:
    (notice,) = [event for event in emitted if isinstance(event, RenewalUpcoming)]
    return notice


def test_it_comes_at_ten_so_many_days_before_the_day_of_the_first_attempt() -> None:
    scenario = automatic(rules=WEEK)
    assert scenario.advance_to(BEFORE) == []
    (notice,) = scenario.advance_to(DUE)
    assert isinstance(notice, RenewalUpcoming)
    assert (notice.expires_on, notice.attempt_at) == (day("2026-02-15"), when("2026-02-06 08:00"))
    assert notice.quote == Quote(months=1, fee=Decimal("275.00"), currency="USD")


def test_by_default_there_is_none() -> None:
    scenario = automatic()
    scenario.advance_to("2026-03-01 00:00")
    assert notices(scenario) == []


def test_any_list_of_days_works_and_the_next_cycle_is_announced_too() -> None:
    scenario = automatic(rules=rules(charge_notice_days=(7, 1)))
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    scenario.advance_to("2026-03-16 00:00")
    expected = ["2026-01-30 10:00", "2026-02-05 10:00", "2026-02-27 10:00", "2026-03-05 10:00"]
    assert notices(scenario) == expected


@pytest.mark.parametrize("hour", [0, 23])
def test_its_hour_is_the_policy_s(hour: int) -> None:
    scenario = automatic(rules=rules(charge_notice_days=(7,), charge_notice_hour=hour))
    scenario.advance_to("2026-02-01 00:00")
    assert notices(scenario) == [f"2026-01-30 {hour:02}:00"]


@pytest.mark.parametrize("command", [disable(), decline(), renewal()])
def test_in_the_last_second_a_switch_off_a_decline_or_a_renewal_takes_it_away(command: Any) -> None:
    scenario = automatic(rules=WEEK)
    scenario.receive(BEFORE, command)
    scenario.advance_to("2026-02-07 00:00")
    assert notices(scenario) == []


def test_without_auto_renewal_there_is_none() -> None:
    scenario = started(rules=WEEK)
    scenario.advance_to("2026-03-01 00:00")
    assert notices(scenario) == []


@pytest.mark.rule("R21")
@pytest.mark.parametrize(
    ("enabled", "expected"),
    [("2026-01-29 23:59:59", ["2026-01-30 10:00"]), ("2026-01-30 00:00:00", []), ("2026-01-30 09:59:59", [])],
)
def test_one_due_before_auto_renewal_took_effect_is_left_out(enabled: str, expected: list[str]) -> None:
    scenario = started(rules=WEEK)
    scenario.receive(enabled, enable())
    scenario.advance_to("2026-02-06 07:59")
    assert notices(scenario) == expected


@pytest.mark.rule("R21")
def test_another_cycle_leaves_auto_renewal_in_effect_meanwhile() -> None:
    scenario = automatic(rules=WEEK)
    scenario.receive(BEFORE, enable(3))
    assert the_notice(scenario.advance_to(DUE)).quote.months == 3


@pytest.mark.parametrize(("renewed", "told"), [("09:59:59", True), ("10:00:00", False), ("10:00:01", False)])
def test_one_due_before_this_e_was_set_is_left_out(renewed: str, told: bool) -> None:
    scenario = started("2026-03-15 09:00", auto_renewal=True, rules=rules(charge_notice_days=(21,)))
    scenario.receive(f"2026-04-15 {renewed}", renewal())  # E = 15 May, so its notice is due on that day at 10:00
    scenario.advance_to("2026-05-06 07:59")
    assert notices(scenario) == ["2026-03-16 10:00", *(["2026-04-15 10:00"] if told else [])]


@pytest.mark.rule("R47")
def test_an_extension_moves_the_notice_to_the_new_attempt() -> None:
    scenario = automatic(rules=WEEK)
    scenario.receive(BEFORE, extend(3, "2026-02-15"))
    scenario.advance_to("2026-02-09 07:59")
    assert notices(scenario) == ["2026-02-02 10:00"]


@pytest.mark.rule("R46")
def test_after_a_renewal_was_taken_back_one_that_was_due_before_is_left_out() -> None:
    on_time, late = automatic(rules=WEEK), automatic(rules=WEEK)
    for scenario, taken_back in ((on_time, BEFORE), (late, "2026-01-30 10:00:01")):
        scenario.receive("2026-01-16 09:00", renewal())
        scenario.receive(taken_back, cancel("r-1"))
        scenario.advance_to("2026-02-06 07:59")
    assert (notices(on_time), notices(late)) == (["2026-01-30 10:00"], [])


@pytest.mark.rule("R25")
def test_for_an_e_that_had_an_attempt_there_is_none() -> None:
    scenario = automatic(rules=rules(charge_notice_days=(7, 0)))
    scenario.advance_to("2026-02-16 00:00")
    assert len(scenario.times(AutoRenewalFailed)) == 9
    assert notices(scenario) == ["2026-01-30 10:00"]


@pytest.mark.rule("R25")
def test_switching_off_and_on_again_after_an_attempt_brings_none_back() -> None:
    scenario = automatic(rules=rules(charge_notice_days=(1,)))
    scenario.advance_to("2026-02-06 09:00")
    scenario.receive("2026-02-06 09:30", disable())
    scenario.receive("2026-02-06 09:40", enable())
    scenario.advance_to("2026-02-16 00:00")
    assert notices(scenario) == ["2026-02-05 10:00"]


@pytest.mark.rule("R46")
def test_a_renewal_that_was_taken_back_makes_no_attempt_undone() -> None:
    fails, succeeds = (automatic(rules=rules(charge_notice_days=(1, 0), charge_notice_hour=7)) for _ in range(2))
    succeeds.receive("2026-01-16 09:00", credit("275.00"))
    for scenario, order in ((fails, renewal("r-1")), (succeeds, None)):
        scenario.receive("2026-02-06 09:00", *filter(None, [order]))
        order_id = scenario.active.terms[-1].order_id
        scenario.receive("2026-02-06 10:00", cancel(order_id), enable())
        scenario.advance_to("2026-02-07 08:00")
        assert notices(scenario) == ["2026-02-05 07:00", "2026-02-06 07:00"]


@pytest.mark.rule("R4")
def test_at_one_instant_the_deduction_goes_first_and_the_notice_before_the_reminder() -> None:
    policy = rules(charge_notice_days=(0,), charge_notice_hour=8, reminder_days=(9,), reminder_hour=8)
    scenario = automatic(rules=policy)
    due = (TimerKind.DEDUCTION, TimerKind.NOTICE, TimerKind.REMINDER)
    assert tuple(kinds_at(scenario.account, when("2026-02-06 08:00"), policy.policy)) == due
    emitted = scenario.advance_to("2026-02-06 08:00")
    assert [type(event) for event in emitted] == [AutoRenewalFailed, RenewalDue]  # an attempt was made for this E
    ahead = automatic(rules=rules(charge_notice_days=(7,), reminder_days=(16,)))
    assert [type(event) for event in ahead.advance_to(DUE)] == [RenewalUpcoming, RenewalDue]


@pytest.mark.rule("R4")
def test_one_that_is_renewed_by_the_deduction_of_the_same_instant_gets_none() -> None:
    scenario = automatic(rules=rules(charge_notice_days=(0,), charge_notice_hour=8))
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    assert [type(event) for event in scenario.advance_to("2026-02-06 08:00")] == [Renewed]


def test_on_the_day_of_the_attempt_it_comes_where_its_hour_is_earlier() -> None:
    scenario = automatic(rules=rules(charge_notice_days=(0,), charge_notice_hour=7))
    scenario.advance_to("2026-02-06 07:59")
    assert notices(scenario) == ["2026-02-06 07:00"]


@pytest.mark.rule("R21")
def test_it_counts_from_the_day_of_the_attempt_also_where_that_is_a_later_one() -> None:
    scenario = started("2026-01-15 09:00", rules=rules(charge_notice_days=(0,), charge_notice_hour=7))
    scenario.receive("2026-02-07 12:00", enable())
    scenario.advance_to("2026-02-08 07:59")
    assert notices(scenario) == ["2026-02-08 07:00"]


def test_it_changes_nothing_but_the_version_and_the_decided_instant() -> None:
    scenario = automatic(rules=WEEK)
    before = scenario.account
    scenario.advance_to(DUE)
    assert scenario.account == structs.replace(before, version=before.version + 1, decided_at=when(DUE))
    assert scenario.folded().subscription == scenario.account.subscription


def test_it_stands_in_the_timeline_with_what_will_be_deducted() -> None:
    scenario = automatic(rules=WEEK)
    first, *_ = timeline(scenario.account, now=when("2026-01-16 09:00"), rules=WEEK)
    assert (first.at, first.kind) == (when(DUE), TimerKind.NOTICE)
    assert first.details == {
        "expires_on": day("2026-02-15"),
        "attempt_at": when("2026-02-06 08:00"),
        "quote": Quote(months=1, fee=Decimal("275.00"), currency="USD"),
        "shortfall": Decimal("275.00"),
    }


@pytest.mark.parametrize(("at", "expected"), [(BEFORE, ["2026-01-30 10:00"]), (DUE, [])])
def test_what_a_new_policy_would_have_had_due_before_the_restart_is_left_out(at: str, expected: list[str]) -> None:
    scenario = automatic()
    scenario.rules = restarted(RULES, at, charge_notice_days=WEEK.policy.charge_notice_days)
    scenario.advance_to("2026-02-06 07:59")
    assert notices(scenario) == expected
