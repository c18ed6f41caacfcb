"""Automatic renewal: the switch, the attempts, the money (R20-R28)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.contracts.inbound import CouponIssued
from shared.contracts.lifecycle import (
    AutoRenewalFailed,
    AutoRenewalSwitchedOff,
    AutoRenewalSwitchedOn,
    Expired,
    RenewalDeclineNoted,
    Renewed,
)
from shared.contracts.lifecycle_parts import RenewalMethod
from subscription_service.domain.model import AutoRenewal, Coupon
from subscription_service.domain.pricing import best_coupon, discount, remainder, total
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    change,
    coupon,
    credit,
    day,
    decline,
    disable,
    enable,
    purchase,
    recorded,
    refusal,
    registered,
    renewal,
    rules,
    snapshot,
    specification,
    started,
    when,
)

FEE = Decimal("275.00")  # ultimate, 10 servers at 23.5 and 40 cores at 1, one month


def automatic(**changes: object) -> Scenario:
    """Bought 15 January 2026 for a month with auto-renewal: E = 15 February, first attempt 6 February 08:00."""
    return started("2026-01-15 09:00", auto_renewal=True, **changes)


A_COUPON = Coupon(
    coupon_id="k-1",
    amount_off=Decimal("5.00"),
    percent_off=None,
    minimum_spend=Decimal("0.00"),
    valid_from=day("2026-01-01"),
    valid_until=day("2026-12-31"),
)


def rich() -> Scenario:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", credit("1000.00"))
    return scenario


@pytest.mark.rule("R20", "R27")
def test_nine_days_before_e_at_eight_the_fee_is_deducted_and_the_term_appended() -> None:
    scenario = rich()
    assert scenario.advance_to("2026-02-06 07:59:59") == []
    (event,) = scenario.advance_to("2026-02-06 08:00:00")
    assert isinstance(event, Renewed)
    assert (event.method, event.fee, event.discount, event.charged) == (
        RenewalMethod.AUTOMATIC,
        FEE,
        Decimal("0.00"),
        FEE,
    )
    assert (event.expires_on, event.balance_after, event.coupon_id) == (
        day("2026-03-15"),
        Decimal("725.00"),
        None,
    )
    assert scenario.account.balance == Decimal("725.00")
    assert scenario.active.terms[-1].specification == scenario.active.terms[0].specification
    assert scenario.times(Renewed) == [when("2026-02-06 08:00")]


@pytest.mark.rule("R20")
def test_it_goes_on_cycle_after_cycle_while_the_balance_lasts() -> None:
    scenario = rich()
    scenario.advance_to("2026-05-20 00:00")
    assert scenario.times(Renewed) == [when(f"2026-0{month}-06 08:00") for month in (2, 3, 4)]
    assert scenario.account.balance == Decimal("175.00")
    assert scenario.times(AutoRenewalFailed)[0] == when("2026-05-06 08:00")


@pytest.mark.rule("R20")
def test_the_order_id_follows_from_subscription_and_e() -> None:
    scenario = rich()
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).order_id == f"auto-{scenario.active.subscription_id}-2026-02-15"


@pytest.mark.rule("R20")
def test_in_grace_nothing_is_deducted() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.receive("2026-02-17 09:00", credit("1000.00")) == []
    scenario.advance_to("2026-02-22 23:59:59")
    assert scenario.times(Renewed) == []


@pytest.mark.rule("R21")
def test_enabling_takes_effect_the_next_day() -> None:
    scenario = started("2026-01-15 09:00")
    (event,) = scenario.receive("2026-01-20 23:59:59", enable(3))
    assert event == AutoRenewalSwitchedOn(
        cycle_months=3, effective_on=day("2026-01-21"), first_attempt_at=when("2026-02-06 08:00")
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


@pytest.mark.rule("R24")
def test_one_coupon_is_used_up_whole_and_the_balance_pays_the_rest() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon("k-2", amount_off=Decimal("75.00")), coupon("k-3", percent_off=10))
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.coupon_id, event.discount, event.charged) == ("k-2", Decimal("75.00"), Decimal("200.00"))
    assert [left.coupon_id for left in scenario.account.coupons] == ["k-3"]
    assert scenario.account.balance == Decimal("800.00")


@pytest.mark.rule("R24")
def test_a_coupon_above_the_fee_is_used_up_all_the_same() -> None:
    scenario = automatic()
    scenario.receive("2026-01-17 09:00", coupon(amount_off=Decimal("1000.00")))
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.discount, event.charged, event.balance_after) == (FEE, Decimal("0.00"), Decimal("0.00"))
    assert scenario.account.coupons == ()


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    "unused", [coupon(amount_off=Decimal("50.00")), coupon(percent_off=100)], ids=["amount off", "percent off"]
)
def test_a_fee_of_nothing_uses_no_coupon(unused: CouponIssued) -> None:
    free = specification("value-added", servers=0, cores=0)
    scenario = started("2026-01-15 09:00", auto_renewal=True, specification=free)
    scenario.receive("2026-01-17 09:00", unused)
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.fee, event.discount, event.charged) == (Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))
    assert (event.coupon_id, event.balance_after) == (None, Decimal("0.00"))
    assert [left.coupon_id for left in scenario.account.coupons] == ["k-1"]


@pytest.mark.rule("R24")
def test_the_smallest_fee_uses_a_coupon() -> None:
    assert best_coupon([A_COUPON], Decimal("0.01"), day("2026-02-06")) == A_COUPON
    assert best_coupon([A_COUPON], Decimal("0.00"), day("2026-02-06")) is None


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "counts"),
    [
        ("2026-02-06", "2026-02-06", True),
        ("2026-02-07", "2026-03-01", False),
        ("2026-01-01", "2026-02-05", False),
    ],
)
def test_a_coupon_counts_from_its_first_day_to_its_last(valid_from: str, valid_until: str, counts: bool) -> None:
    scenario = rich()
    scenario.receive(
        "2026-01-17 09:00",
        coupon(amount_off=Decimal("5.00"), valid_from=day(valid_from), valid_until=day(valid_until)),
    )
    scenario.advance_to("2026-02-06 08:00")
    assert (scenario.only(Renewed).coupon_id == "k-1") is counts


@pytest.mark.rule("R24")
def test_the_coupon_that_ends_first_is_tried_and_then_the_smallest_id() -> None:
    scenario = rich()
    scenario.receive(
        "2026-01-17 09:00",
        coupon("k-9", amount_off=Decimal("1.00"), valid_until=day("2026-02-28")),
        coupon("k-3", amount_off=Decimal("2.00"), valid_until=day("2026-03-31")),
        coupon("k-8", amount_off=Decimal("3.00"), valid_until=day("2026-02-28")),
        coupon("k-1", amount_off=Decimal("4.00"), valid_until=day("2026-02-10"), minimum_spend=Decimal("275.01")),
    )
    found = best_coupon(scenario.account.coupons, FEE, day("2026-02-06"))
    assert found is not None
    assert found.coupon_id == "k-8"
    exact = best_coupon(scenario.account.coupons, Decimal("275.01"), day("2026-02-06"))
    assert exact is not None
    assert exact.coupon_id == "k-1"


@pytest.mark.rule("R24")
def test_percent_is_rounded_half_up_to_cents() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon(percent_off=15))
    (only,) = scenario.account.coupons
    assert discount(only, Decimal("0.10")) == Decimal("0.02")
    assert discount(only, Decimal("0.09")) == Decimal("0.01")
    assert discount(None, Decimal("9.00")) == Decimal("0.00")


@pytest.mark.rule("R24", "R25")
def test_a_balance_one_cent_short_deducts_nothing_and_says_what_it_lacks() -> None:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", credit("174.99"), coupon(amount_off=Decimal("100.00")))
    (event,) = scenario.advance_to("2026-02-06 08:00")
    assert event == AutoRenewalFailed(
        fee=FEE,
        discount=Decimal("100.00"),
        balance=Decimal("174.99"),
        shortfall=Decimal("0.01"),
        attempt=1,
        next_attempt_at=when("2026-02-07 08:00"),
        currency="USD",
    )
    assert (scenario.account.balance, len(scenario.account.coupons)) == (Decimal("174.99"), 1)


@pytest.mark.rule("R24", "R25")
def test_amounts_stand_beside_the_currency_of_the_catalog() -> None:
    scenario = automatic(rules=replace(RULES, catalog=replace(RULES.catalog, currency="CNY")))
    (failed,) = scenario.advance_to("2026-02-06 08:00")
    (renewed,) = scenario.receive("2026-02-06 09:00", credit("275.00"))
    assert isinstance(failed, AutoRenewalFailed)
    assert isinstance(renewed, Renewed)
    assert (failed.currency, renewed.currency) == ("CNY", "CNY")


@pytest.mark.rule("R24")
def test_a_balance_that_is_exactly_enough_renews() -> None:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).balance_after == Decimal("0.00")


@pytest.mark.rule("R25")
def test_attempts_go_on_every_morning_until_the_day_before_e() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-16 00:00")
    failures = [event for _, event in scenario.log if isinstance(event, AutoRenewalFailed)]
    assert scenario.times(AutoRenewalFailed) == [when(f"2026-02-{number:02} 08:00") for number in range(6, 15)]
    assert [failure.attempt for failure in failures] == list(range(1, 10))
    assert failures[-1].next_attempt_at is None
    assert scenario.grace.auto_renewal is not None


@pytest.mark.rule("R25")
def test_a_credit_tries_again_at_once_and_the_schedule_stays() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-06 08:00")
    (short,) = scenario.receive("2026-02-06 12:00", credit("274.99"))
    assert isinstance(short, AutoRenewalFailed)
    assert (short.attempt, short.next_attempt_at) == (2, when("2026-02-07 08:00"))
    (renewed,) = scenario.receive("2026-02-06 12:00:01", credit("0.01", "cr-2"))
    assert isinstance(renewed, Renewed)
    assert scenario.active.failure is None
    assert len(scenario.advance_to("2026-02-28 00:00")) == 0


@pytest.mark.rule("R25")
def test_a_credit_without_an_outstanding_failure_only_adds_up() -> None:
    scenario = automatic()
    assert scenario.receive("2026-02-06 07:59:59", credit("300.00")) == []
    assert isinstance(scenario.advance_to("2026-02-06 08:00")[0], Renewed)


@pytest.mark.rule("R25")
def test_the_next_e_counts_its_attempts_from_one() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-07 08:00")
    scenario.receive("2026-02-07 09:00", credit("275.00"))
    (event,) = scenario.advance_to("2026-03-06 08:00")
    assert isinstance(event, AutoRenewalFailed)
    assert event.attempt == 1


@pytest.mark.rule("R25", "R28")
def test_switching_off_and_on_again_goes_on_counting_the_attempts_for_the_same_e() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-07 08:00")
    scenario.receive("2026-02-07 09:00", disable(), enable())
    assert scenario.active.failure is None
    scenario.advance_to("2026-02-08 08:00")
    failures = [event.attempt for _, event in scenario.log if isinstance(event, AutoRenewalFailed)]
    assert failures == [1, 2, 3]


@pytest.mark.rule("R25")
def test_expiry_ends_the_failure_and_the_switch_stays_for_the_next_e() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-16 12:00")
    assert scenario.times(Expired) == [when("2026-02-16 00:00")]
    scenario.receive("2026-02-17 12:00", renewal(), credit("275.00"))
    assert scenario.times(Renewed) == [when("2026-02-17 12:00")]
    scenario.advance_to("2026-03-06 08:00")
    assert scenario.times(Renewed)[-1] == when("2026-03-06 08:00")


@pytest.mark.rule("R25")
def test_the_days_of_the_attempts_are_policy() -> None:
    scenario = started("2026-01-15 09:00", rules=rules(auto_renewal_attempt_days=(9, 5, 3)))
    (event,) = scenario.receive("2026-02-07 09:00", enable())
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-08 08:00")
    scenario.advance_to("2026-02-15 00:00")
    assert scenario.times(AutoRenewalFailed) == [when(f"2026-02-{number} 08:00") for number in ("08", "10", "12")]


@pytest.mark.rule("R21", "R22", "R25")
def test_enabling_behind_the_last_listed_day_is_still_tried_the_next_morning() -> None:
    scenario = started("2026-01-15 09:00", rules=rules(auto_renewal_attempt_days=(9, 5, 3)))
    event = scenario.receive("2026-02-13 23:59:59", enable())[-1]
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-14 08:00")
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.times(AutoRenewalFailed) == [when("2026-02-14 08:00")]
    assert scenario.only(AutoRenewalFailed).next_attempt_at is None


@pytest.mark.rule("R21", "R25")
def test_a_new_cycle_while_a_failure_is_outstanding_states_its_own_first_attempt() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(auto_renewal_attempt_days=(9, 5, 1)))
    scenario.advance_to("2026-02-06 08:00")
    (event,) = scenario.receive("2026-02-09 09:00", enable(3))[-1:]
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-10 08:00")
    assert scenario.active.failure is not None


@pytest.mark.rule("R26")
def test_automatic_renewal_is_not_blocked_by_the_inventory() -> None:
    scenario = rich()
    scenario.receive("2026-01-16 10:00", *[registered(f"s-{n}", 1) for n in range(11)])
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).method is RenewalMethod.AUTOMATIC


@pytest.mark.rule("R27")
def test_it_renews_the_last_specification_at_the_cycle_s_price() -> None:
    scenario = started("2026-01-15 09:00", months=3, auto_renewal=True)
    scenario.receive("2026-01-16 09:00", change(specification(servers=1, cores=2)), credit("100.00"))
    scenario.advance_to("2026-04-06 08:00")
    assert scenario.only(Renewed).fee == Decimal("76.50")
    assert scenario.active.terms[-1].specification.protected_servers == 1


@pytest.mark.rule("R28")
def test_disabling_takes_effect_at_once() -> None:
    scenario = rich()
    (event,) = scenario.receive("2026-02-06 07:59:59", disable())
    assert event == AutoRenewalSwitchedOff(cycle_months=1, effective_on=day("2026-02-06"), first_attempt_at=None)
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
    assert scenario.receive("2026-01-20 09:00", decline()) == [RenewalDeclineNoted()]
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
    assert scenario.receive("2026-02-17 00:00", decline()) == [RenewalDeclineNoted()]
    assert (scenario.grace.auto_renewal, scenario.grace.declined) == (None, True)


@pytest.mark.rule("R28")
def test_release_switches_off_without_an_event_of_its_own() -> None:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", snapshot({"s-1": (1, False)}), recorded("team"))
    event = scenario.advance_to("2026-02-23 00:00")
    assert not any(isinstance(event, AutoRenewalSwitchedOff) for event in event)
    assert refusal(scenario.receive("2026-02-23 09:00", disable())).code == "subscription_released"


@pytest.mark.rule("R24", "R25", "R38")
def test_money_is_exact_beyond_the_28_digits_of_the_usual_arithmetic() -> None:
    large = Decimal("1234567890123456789012345678.91")
    assert total(large, Decimal("0.01"), Decimal("-0.03")) == Decimal("1234567890123456789012345678.89")
    assert remainder(large, Decimal("0.01"), Decimal("0.02")) == Decimal("1234567890123456789012345678.88")
    scenario = automatic()
    scenario.account = scenario.account._replace(balance=large)
    scenario.receive("2026-01-16 09:00", credit("0.01"))
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).balance_after == Decimal("1234567890123456789012345403.92")
    assert scenario.account.balance == Decimal("1234567890123456789012345403.92")
