"""Extensions of the last term by days (R47)."""

from decimal import Decimal

import pytest

from shared.contracts.lifecycle import (
    Expired,
    OrderRejected,
    Released,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.domain.model import Active, Grace
from tests.unit.domain.acts import OPERATOR, REASON, cancel, extend
from tests.unit.domain.scenario import (
    Scenario,
    automatic,
    credit,
    day,
    decline,
    recorded,
    refusal,
    registered,
    renewal,
    rules,
    specification,
    started,
    when,
)


def expired() -> Scenario:
    """Bought 15 January for a month and expired: E = 15 February, released 23 February 00:00."""
    scenario = started()
    scenario.receive("2026-01-16 09:00", recorded("a"))
    scenario.advance_to("2026-02-16 00:00")
    return scenario


@pytest.mark.rule("R47")
def test_while_active_the_term_ends_later_and_nothing_else_happens() -> None:
    scenario = started()
    (event,) = scenario.receive("2026-01-20 09:00", extend(3, "2026-02-15"))
    assert isinstance(event, TermExtended)
    assert (event.expires_on, event.ends_at, event.days) == (day("2026-02-18"), when("2026-02-19 00:00"), 3)
    assert (event.retained_until, event.reactivated, event.anchor_day) == (None, False, 18)
    assert (event.operator, event.reason, event.extension_id) == (OPERATOR, REASON, "x-1")
    assert [type(each) for each in scenario.advance_to("2026-02-18 23:59:59")] == [RenewalDue]
    assert [type(each) for each in scenario.advance_to("2026-02-19 00:00")] == [Expired]


@pytest.mark.rule("R47", "R41")
@pytest.mark.parametrize("expected", ["2026-02-14", "2026-02-16"])
def test_another_e_than_the_expected_one_refuses(expected: str) -> None:
    scenario = started()
    event = refusal(scenario.receive("2026-01-20 09:00", extend(3, expected)))
    assert (event.code, event.required, event.offered) == (
        RejectionCode.EXPECTATION_FAILED,
        "2026-02-15",
        expected,
    )
    assert event.order_id == "x-1"


@pytest.mark.rule("R47")
def test_two_operators_at_once_do_not_add_up() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", extend(3, "2026-02-15", "x-1"))
    refusal(scenario.receive("2026-01-20 09:00", extend(3, "2026-02-15", "x-2")))
    assert scenario.active.terms[-1].expires_on == day("2026-02-18")


@pytest.mark.rule("R47", "R1")
def test_the_day_number_of_the_new_e_is_the_anchor_day_from_then_on() -> None:
    scenario = started("2026-01-31 09:00")
    scenario.receive("2026-02-01 09:00", extend(2, "2026-02-28"), renewal(), renewal("r-2"))
    assert [term.expires_on for term in scenario.active.terms] == [
        day("2026-03-02"),
        day("2026-04-02"),
        day("2026-05-02"),
    ]


@pytest.mark.rule("R47", "R15")
def test_the_last_term_is_extended_where_a_renewal_is_pending() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", renewal())
    refusal(scenario.receive("2026-01-21 09:00", extend(3, "2026-02-15")))
    scenario.receive("2026-01-21 09:00", extend(3, "2026-03-15", "x-2"))
    assert [term.expires_on for term in scenario.active.terms] == [day("2026-02-15"), day("2026-03-18")]


@pytest.mark.rule("R47", "R46")
def test_the_extensions_of_an_order_go_with_it_and_the_anchor_day_is_that_before() -> None:
    scenario = started("2026-01-31 09:00")
    scenario.receive("2026-02-01 09:00", renewal(), extend(3, "2026-03-31"), extend(1, "2026-04-03", "x-2"))
    scenario.receive("2026-02-02 09:00", renewal("r-2"), extend(5, "2026-05-04", "x-3"))
    assert scenario.active.anchor_day == 9
    (event,) = scenario.receive("2026-02-03 09:00", cancel("r-2"))
    assert isinstance(event, RenewalTakenBack)
    assert (event.anchor_day, event.expires_on) == (4, day("2026-04-04"))
    (event,) = scenario.receive("2026-02-03 10:00", cancel("r-1"))
    assert isinstance(event, RenewalTakenBack)
    assert (event.anchor_day, event.expires_on) == (31, day("2026-02-28"))
    scenario.receive("2026-02-04 09:00", renewal("r-3"))
    assert scenario.active.terms[-1].expires_on == day("2026-03-31")


@pytest.mark.rule("R47", "R32")
@pytest.mark.parametrize(
    ("at", "days", "again"),
    [
        ("2026-02-19 23:59:59", 4, True),
        ("2026-02-20 00:00", 4, False),
        ("2026-02-20 00:00", 5, True),
        ("2026-02-22 09:00", 1, False),
    ],
)
def test_in_grace_it_is_active_again_where_the_new_end_lies_ahead(at: str, days: int, again: bool) -> None:
    scenario = expired()
    (event,) = scenario.receive(at, extend(days, "2026-02-15"))
    assert isinstance(event, TermExtended)
    assert isinstance(scenario.account.subscription, Active if again else Grace)
    assert (event.reactivated, event.retained_until is None) == (again, again)
    assert scenario.account.retained
    if not again:
        assert scenario.grace.retained_until == event.retained_until == when(f"2026-02-{23 + days} 00:00")


@pytest.mark.rule("R47", "R34", "R35")
def test_a_longer_grace_is_reminded_of_and_ends_that_much_later_whatever_the_policy_is_now() -> None:
    scenario = expired()
    scenario.rules = rules(grace_days=14)
    scenario.receive("2026-02-19 09:00", extend(2, "2026-02-15"))
    assert [type(event) for event in scenario.advance_to("2026-02-25 00:00")] == [ReleaseDue, Released]
    assert scenario.times(ReleaseDue) == [when("2026-02-24 10:00")]
    assert scenario.times(Released) == [when("2026-02-25 00:00")]


@pytest.mark.rule("R47", "R4")
def test_at_the_instant_of_the_release_it_is_too_late() -> None:
    scenario = expired()
    emitted = scenario.receive("2026-02-23 00:00", extend(30, "2026-02-15"))
    assert isinstance(emitted[-1], OrderRejected)
    assert emitted[-1].code is RejectionCode.SUBSCRIPTION_RELEASED


@pytest.mark.rule("R47", "R25")
def test_failure_and_attempts_end_with_the_old_e_and_begin_anew() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-08 08:00")
    assert scenario.active.attempts == 3
    scenario.receive("2026-02-08 09:00", extend(10, "2026-02-15"))
    assert scenario.receive("2026-02-08 10:00", credit("1.00")) == []
    scenario.advance_to("2026-02-16 08:00")
    last = [event for _, event in scenario.log if isinstance(event, AutoRenewalFailed)][-1]
    assert (scenario.times(AutoRenewalFailed)[-1], last.attempt) == (when("2026-02-16 08:00"), 1)


@pytest.mark.rule("R47", "R21")
@pytest.mark.parametrize(
    ("at", "attempt"),
    [("2026-02-10 07:59:59", "2026-02-10 08:00"), ("2026-02-10 08:00", "2026-02-11 08:00")],
)
def test_where_its_first_attempt_has_passed_the_next_morning_is_the_first(at: str, attempt: str) -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-09 12:00")
    before = len(scenario.times(AutoRenewalFailed))
    emitted = scenario.receive(at, extend(1, "2026-02-15"))
    made = before + sum(isinstance(event, AutoRenewalFailed) for event in emitted)
    scenario.advance_to(attempt)
    assert scenario.times(AutoRenewalFailed)[made:] == [when(attempt)]


@pytest.mark.rule("R47", "R20")
def test_extended_into_service_auto_renewal_goes_on() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-17 09:00")
    scenario.receive("2026-02-17 10:00", credit("1000.00"), extend(7, "2026-02-15"))
    assert scenario.active.auto_renewal is not None
    scenario.advance_to("2026-02-18 08:00")
    assert scenario.times(Renewed) == [when("2026-02-18 08:00")]
    assert scenario.active.terms[-1].expires_on == day("2026-03-22")


@pytest.mark.rule("R47", "R29")
@pytest.mark.parametrize(("at", "days", "reminded"), [("2026-02-08 09:00", 3, 1), ("2026-02-08 10:00", 3, 2)])
def test_the_new_e_is_reminded_of_in_its_own_time(at: str, days: int, reminded: int) -> None:
    scenario = started()
    scenario.receive(at, extend(days, "2026-02-15"))
    scenario.advance_to("2026-02-18 00:00")
    assert len(scenario.times(RenewalDue)) == reminded
    assert scenario.times(RenewalDue)[-1] == when("2026-02-11 10:00")


@pytest.mark.rule("R47", "R28")
def test_a_decline_stays() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", decline(), extend(3, "2026-02-15"))
    assert scenario.active.declined


@pytest.mark.rule("R47", "R33")
def test_a_reactivation_flips_the_flag_of_the_quota() -> None:
    scenario = started(specification=specification("enterprise", servers=1))
    scenario.advance_to("2026-02-16 00:00")
    scenario.receive("2026-02-16 09:00", registered("s-1"), registered("s-2"))
    emitted = scenario.receive("2026-02-17 09:00", extend(9, "2026-02-15"))
    assert [type(event).__name__ for event in emitted] == ["TermExtended", "QuotaExceeded"]


@pytest.mark.rule("R47")
def test_nothing_is_deducted_for_an_extension() -> None:
    scenario = started()
    scenario.receive("2026-01-20 09:00", credit("5.00"), extend(366, "2026-02-15"))
    assert scenario.account.balance == Decimal("5.00")
    assert scenario.active.terms[-1].expires_on == day("2027-02-16")
