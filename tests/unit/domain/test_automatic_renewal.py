"""Automatic renewal: the attempts, and what they do to balance and terms (R20, R23-R27)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from shared.contracts.lifecycle import Expired, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, AutoRenewalSwitchedOn
from shared.contracts.lifecycle_parts import RenewalMethod
from subscription_service.domain.pricing import remainder, total
from tests.unit.domain.scenario import (
    RULES,
    automatic,
    change,
    coupon,
    credit,
    day,
    disable,
    enable,
    registered,
    renewal,
    restarted,
    rich,
    rules,
    specification,
    started,
    when,
)

FEE = Decimal("275.00")  # ultimate, 10 servers at 23.5 and 40 cores at 1, one month


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
        months=1,
        specification=specification(),
        expires_on=day("2026-02-15"),
        ends_at=when("2026-02-16 00:00"),
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


@pytest.mark.rule("R21", "R25")
def test_a_new_cycle_while_a_failure_is_outstanding_states_its_own_first_attempt() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(auto_renewal_attempt_days=(9, 5, 1)))
    scenario.advance_to("2026-02-06 08:00")
    (event,) = scenario.receive("2026-02-09 09:00", enable(3))[-1:]
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-10 08:00")
    assert scenario.active.failure is not None


@pytest.mark.rule("R21", "R25")
def test_a_new_cycle_before_an_attempt_of_the_old_one_states_the_attempt_after_that() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(auto_renewal_attempt_days=(9, 5, 1)))
    (event,) = scenario.receive("2026-02-06 07:00", enable(3))
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-10 08:00")
    scenario.advance_to("2026-02-11 00:00")
    assert scenario.times(AutoRenewalFailed) == [when("2026-02-06 08:00"), event.first_attempt_at]


@pytest.mark.rule("R21", "R25", "R51")
def test_a_new_cycle_after_a_failure_by_an_earlier_policy_states_the_attempt_that_was_announced() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-07 09:00")
    scenario.rules = restarted(scenario.rules, "2026-02-07 09:00", deduction_hour=6)
    (event,) = scenario.receive("2026-02-07 09:30", enable(3))
    assert isinstance(event, AutoRenewalSwitchedOn)
    assert event.first_attempt_at == when("2026-02-08 08:00")
    (failed,) = scenario.advance_to("2026-02-08 08:00")
    assert isinstance(failed, AutoRenewalFailed)


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


@pytest.mark.rule("R24", "R25", "R38")
def test_money_is_exact_beyond_the_28_digits_of_the_usual_arithmetic() -> None:
    large = Decimal("1234567890123456789012345678.91")
    assert total(large, Decimal("0.01"), Decimal("-0.03")) == Decimal("1234567890123456789012345678.89")
    assert remainder(large, Decimal("0.01"), Decimal("0.02")) == Decimal("1234567890123456789012345678.88")
    scenario = automatic()
    scenario.account = structs.replace(scenario.account, balance=large)
    scenario.receive("2026-01-16 09:00", credit("0.01"))
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).balance_after == Decimal("1234567890123456789012345403.92")
    assert scenario.account.balance == Decimal("1234567890123456789012345403.92")
