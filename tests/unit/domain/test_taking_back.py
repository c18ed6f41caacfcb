"""Taking the last pending renewal order back (R46)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import Expired, OrderRejected, RenewalDue, Renewed, SpecificationChanged
from shared.contracts.lifecycle_acts import RenewalTakenBack
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.domain.orders import OrderStatus, order_entries, status
from tests.unit.domain.acts import OPERATOR, REASON, cancel, debit
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    automatic,
    change,
    coupon,
    credit,
    day,
    decline,
    enable,
    refusal,
    registered,
    renewal,
    renewal_with,
    rich,
    rules,
    specification,
    started,
    when,
)

FEE = Decimal("275.00")  # ultimate, 10 servers at 23.5 and 40 cores at 1, one month
ORDER_NOT_PENDING = RejectionCode.ORDER_NOT_PENDING
SMALLER = specification(servers=5, cores=20)


def renewed(text: str = "2026-02-06 08:00") -> Scenario:
    """Bought 15 January for a month, renewed by itself: E = 15 March; of 1000.00 725.00 are left."""
    scenario = rich()
    scenario.advance_to(text)
    return scenario


@pytest.mark.rule("R46")
def test_the_term_goes_and_everything_is_as_before_the_order() -> None:
    scenario = started()
    before = scenario.active
    scenario.receive("2026-01-20 09:00", renewal_with(SMALLER, months=3))
    (event,) = scenario.receive("2026-01-21 09:00", cancel("rc-1"))
    assert isinstance(event, RenewalTakenBack)
    assert scenario.active == before
    assert (event.expires_on, event.ends_at, event.anchor_day) == (day("2026-02-15"), before.terms[0].ends_at, 15)
    assert (event.refunded, event.balance_after, event.auto_renewal_off) == (Decimal("0.00"), Decimal("0.00"), False)
    assert (event.order_id, event.operator, event.reason) == ("rc-1", OPERATOR, REASON)
    assert [type(each) for each in scenario.advance_to("2026-02-16 00:00")] == [RenewalDue, Expired]


@pytest.mark.rule("R46", "R17")
def test_once_it_is_taken_back_the_specification_can_change_again() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    refusal(scenario.receive("2026-01-20 10:00", change(SMALLER)))
    scenario.receive("2026-01-21 09:00", cancel())
    assert [type(each) for each in scenario.receive("2026-01-21 10:00", change(SMALLER, "c-2"))] == [
        SpecificationChanged
    ]


@pytest.mark.rule("R46")
def test_what_was_deducted_here_returns_and_the_coupon_does_not() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon("k-1", amount_off=Decimal("75.00")))
    scenario.advance_to("2026-02-06 08:00")
    order_id = scenario.only(Renewed).order_id
    (event,) = scenario.receive("2026-02-07 09:00", cancel(order_id))
    assert isinstance(event, RenewalTakenBack)
    assert (event.refunded, event.balance_after) == (Decimal("200.00"), Decimal("1000.00"))
    assert (scenario.account.balance, scenario.account.coupons) == (Decimal("1000.00"), ())


@pytest.mark.rule("R46", "R45")
def test_a_refund_comes_on_top_of_a_debt() -> None:
    scenario = renewed()
    scenario.receive("2026-02-06 09:00", debit("1000.00"))
    scenario.receive("2026-02-07 09:00", cancel(scenario.only(Renewed).order_id))
    assert scenario.account.balance == Decimal("0.00")


@pytest.mark.rule("R46")
def test_an_order_of_auto_renewal_switches_it_off_so_that_it_is_not_placed_again() -> None:
    scenario = renewed()
    (event,) = scenario.receive("2026-02-06 08:00:01", cancel(scenario.only(Renewed).order_id))
    assert isinstance(event, RenewalTakenBack)
    assert (event.auto_renewal_off, scenario.active.auto_renewal) == (True, None)
    assert [type(each) for each in scenario.advance_to("2026-02-16 00:00")] == [RenewalDue, Expired]


@pytest.mark.rule("R46", "R21")
def test_a_later_automatic_order_for_the_same_e_has_an_id_of_its_own_each_time() -> None:
    scenario = renewed()
    ids = [scenario.only(Renewed).order_id]
    for number, text in enumerate(["2026-02-07", "2026-02-09"]):
        scenario.receive(f"{text} 09:00", cancel(ids[-1]), enable())
        (event,) = scenario.advance_to(f"2026-02-{10 if number else 8:02} 08:00")
        assert isinstance(event, Renewed)
        ids.append(event.order_id)
    first, *later = ids
    assert first == f"auto-{scenario.active.subscription_id}-2026-02-15"
    placed = [version for version, (_, each) in enumerate(scenario.log, start=1) if isinstance(each, Renewed)]
    assert later == [f"{first}-{version}" for version in placed[1:]]
    scenario.advance_to("2026-03-06 08:00")
    assert scenario.active.terms[-1].order_id == f"auto-{scenario.active.subscription_id}-2026-03-15"


@pytest.mark.rule("R46", "R21")
@pytest.mark.parametrize(
    ("at", "attempt"),
    [
        ("2026-02-06 07:59:59", "2026-02-06 08:00"),
        ("2026-02-06 08:00", "2026-02-07 08:00"),
        ("2026-02-10 07:00", "2026-02-10 08:00"),
        ("2026-02-14 09:00", "2026-02-15 08:00"),
    ],
)
def test_where_auto_renewal_stays_on_its_next_attempt_is_the_next_morning_once_the_first_has_passed(
    at: str, attempt: str
) -> None:
    scenario = automatic()
    scenario.receive("2026-01-20 09:00", renewal())
    scenario.receive(at, cancel())
    scenario.advance_to(attempt)
    assert scenario.times(AutoRenewalFailed) == [when(attempt)]
    assert scenario.only(AutoRenewalFailed).attempt == 1


@pytest.mark.rule("R46", "R25")
def test_no_attempt_is_left_after_the_last_morning_before_e() -> None:
    scenario = automatic()
    scenario.receive("2026-01-20 09:00", renewal())
    scenario.receive("2026-02-15 08:00", cancel())
    assert [type(each) for each in scenario.advance_to("2026-02-16 00:00")] == [Expired]


@pytest.mark.rule("R46", "R29")
@pytest.mark.parametrize(("at", "reminded"), [("2026-02-08 09:59:59", True), ("2026-02-08 10:00", False)])
def test_a_reminder_that_was_due_before_is_left_out(at: str, reminded: bool) -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    scenario.receive(at, cancel())
    scenario.advance_to("2026-02-15 23:59")
    assert bool(scenario.times(RenewalDue)) is reminded


@pytest.mark.rule("R46")
def test_the_last_goes_first_and_then_the_one_before_it() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal("r-1"), renewal("r-2", months=3))
    event = refusal(scenario.receive("2026-01-21 09:00", cancel("r-1")))
    assert (event.code, event.required, event.offered, event.order_id) == (ORDER_NOT_PENDING, "r-2", "r-1", "r-1")
    scenario.receive("2026-01-22 09:00", cancel("r-2"), cancel("r-1"))
    assert scenario.active.terms[-1].expires_on == day("2026-02-15")


@pytest.mark.rule("R46", "R4")
@pytest.mark.parametrize(("at", "taken"), [("2026-02-15 23:59:59", True), ("2026-02-16 00:00", False)])
def test_an_order_can_be_taken_back_until_the_second_before_it_starts(at: str, taken: bool) -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    (event, *_) = scenario.receive(at, cancel())[-1:]
    assert isinstance(event, RenewalTakenBack if taken else OrderRejected)


@pytest.mark.rule("R46", "R41")
@pytest.mark.parametrize("order_id", ["p-1", "never-heard-of"])
def test_what_is_no_pending_order_is_refused(order_id: str) -> None:
    scenario = started()
    event = refusal(scenario.receive("2026-01-20 09:00", cancel(order_id)))
    assert (event.code, event.required, event.offered) == (ORDER_NOT_PENDING, None, order_id)


@pytest.mark.rule("R46", "R32")
def test_in_grace_no_order_is_pending() -> None:
    scenario = started()
    scenario.advance_to("2026-02-17 00:00")
    assert refusal(scenario.receive("2026-02-17 09:00", cancel("p-1"))).code is ORDER_NOT_PENDING
    scenario.receive("2026-02-18 09:00", renewal())
    assert refusal(scenario.receive("2026-02-18 10:00", cancel())).code is ORDER_NOT_PENDING


@pytest.mark.rule("R46")
def test_what_was_taken_back_already_says_nothing_also_after_release() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    scenario.receive("2026-01-21 09:00", cancel())
    assert scenario.receive("2026-01-21 10:00", cancel(operator="another")) == []
    scenario.advance_to("2026-03-01 00:00")
    assert scenario.is_released
    assert scenario.receive("2026-03-01 09:00", cancel()) == []


@pytest.mark.rule("R46", "R12")
def test_after_release_another_order_is_refused_as_released() -> None:
    scenario = started()
    scenario.advance_to("2026-03-01 00:00")
    assert refusal(scenario.receive("2026-03-01 09:00", cancel())).code is RejectionCode.SUBSCRIPTION_RELEASED


@pytest.mark.rule("R46", "R28")
def test_a_decline_that_the_renewal_took_back_does_not_come_again() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", decline(), renewal())
    scenario.receive("2026-01-21 09:00", cancel())
    assert scenario.active.declined is False


@pytest.mark.rule("R46", "R25")
def test_failure_and_attempts_end_with_the_e_of_the_order_and_those_of_the_one_before_count_again() -> None:
    """With attempts so early that the term for which they fail has not started."""
    scenario = automatic(rules=rules(auto_renewal_attempt_days=(40, 39)))
    scenario.receive("2026-01-16 12:00", renewal())
    scenario.advance_to("2026-02-04 08:00")
    assert [event.attempt for _, event in scenario.log if isinstance(event, AutoRenewalFailed)] == [1, 1, 2]
    scenario.receive("2026-02-04 09:00", cancel())
    assert (scenario.active.failure, scenario.active.attempts) == (None, 1)
    scenario.receive("2026-02-04 10:00", renewal("r-2"))
    assert (scenario.active.terms[-1].expires_on, scenario.active.attempts) == (day("2026-03-15"), 2)


@pytest.mark.rule("R46", "R25")
@pytest.mark.parametrize("by_hand", [True, False])
def test_attempts_for_an_e_are_counted_on_after_its_renewal_was_taken_back(by_hand: bool) -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-07 08:00")
    scenario.receive("2026-02-07 09:00", renewal("r-1") if by_hand else credit("1000.00"))
    scenario.receive("2026-02-07 10:00", cancel(scenario.only(Renewed).order_id), debit("1000.00"), enable())
    scenario.advance_to("2026-02-09 08:00")
    assert [event.attempt for _, event in scenario.log if isinstance(event, AutoRenewalFailed)] == [1, 2, 3, 4]
    assert scenario.times(AutoRenewalFailed)[2] == when("2026-02-08 08:00")
    assert scenario.folded().subscription == scenario.active


@pytest.mark.rule("R46", "R25")
def test_the_attempts_for_an_e_are_forgotten_once_it_is_past() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-06 08:00")
    scenario.receive("2026-02-06 09:00", renewal("r-1"))
    assert scenario.active.attempts_for_others == {day("2026-02-15"): 1}
    scenario.receive("2026-02-16 09:00", renewal("r-2"))
    assert scenario.active.attempts_for_others == {}


@pytest.mark.rule("R46", "R33")
def test_the_flag_of_the_quota_follows_the_term_in_force_alone() -> None:
    scenario = started(specification=specification("enterprise", servers=1))
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert scenario.active.quota_exceeded
    scenario.receive("2026-01-20 09:00", renewal_with(specification("enterprise", servers=2)))
    assert [type(each) for each in scenario.receive("2026-01-21 09:00", cancel("rc-1"))] == [RenewalTakenBack]
    assert scenario.active.quota_exceeded


@pytest.mark.rule("R46", "R18")
def test_in_the_order_list_it_is_cancelled_whatever_the_clock_shows() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    at, event = scenario.log[-1]
    [entry] = order_entries(event, account=scenario.account, cause_type="tenure.renewal.ordered.v1", at=at, rules=RULES)
    for now in ("2026-01-20 09:00", "2026-02-20 09:00", "2026-05-20 09:00"):
        assert status(replace(entry, cancelled=True), when(now)) is OrderStatus.CANCELLED


@pytest.mark.rule("R46", "R41")
def test_a_refused_cancellation_makes_no_entry_in_the_order_list() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", cancel("never-heard-of", operator=None))
    at, event = scenario.log[-1]
    cause = "tenure.renewal.cancelled.v1"
    assert order_entries(event, account=scenario.account, cause_type=cause, at=at, rules=RULES) == ()


@pytest.mark.rule("R46")
def test_a_later_credit_does_not_place_the_order_again() -> None:
    scenario = renewed()
    scenario.receive("2026-02-07 09:00", cancel(scenario.only(Renewed).order_id))
    assert scenario.receive("2026-02-07 10:00", credit("500.00", "cr-2")) == []
