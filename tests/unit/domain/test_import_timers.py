"""What time does to a subscription that was taken over: only what lies ahead of the import comes (R42-R44)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import (
    Expired,
    QuotaExceeded,
    QuotaRestored,
    Released,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import ImportedState, RejectionCode
from subscription_service.domain.timeline import timeline
from tests.kit.cases import cases
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    credit,
    day,
    enable,
    purchase,
    recorded,
    refusal,
    registered,
    released,
    renewal,
    rules,
    specification,
    started,
    when,
)
from tests.unit.domain.test_import import SECOND, kinds, taken_over


@pytest.mark.rule("R42")
@pytest.mark.parametrize(
    ("offset", "state"), [(-SECOND, ImportedState.ACTIVE), (0 * SECOND, ImportedState.GRACE)], ids=["before", "at"]
)
def test_it_is_active_before_its_end_and_in_grace_from_then_on(offset: timedelta, state: ImportedState) -> None:
    scenario = Scenario()
    scenario.receive(when("2026-02-16 00:00") + offset, import_of(cycle=1))
    event = scenario.only(Imported)
    assert event.state is state
    in_grace = state is ImportedState.GRACE
    assert event.retained_until == (when("2026-02-23 00:00") if in_grace else None)
    assert event.auto_renewal is not None
    assert event.auto_renewal.first_attempt_at is None


@pytest.mark.rule("R42", "R41")
def test_it_expires_as_an_import_with_the_end_of_its_grace() -> None:
    end = when("2026-02-23 00:00")
    assert taken_over().active.terms
    scenario = Scenario()
    assert kinds(scenario.receive(end - SECOND, import_of())) == ["Imported"]
    late = Scenario()
    rejected = refusal(late.receive(end, import_of()))
    assert rejected.code is RejectionCode.IMPORT_EXPIRED
    assert rejected.required == end.isoformat()
    assert late.account.subscription is None


@pytest.mark.rule("R43")
def test_an_import_is_decided_at_the_clock_and_not_at_the_time_of_its_export() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-16 09:00", import_of(cycle=1), now=when("2026-02-09 12:00"))
    assert scenario.times(Imported) == [when("2026-02-09 12:00")]
    assert kinds(scenario.advance_to("2026-02-10 07:59")) == []


@pytest.mark.rule("R43", "R29")
@pytest.mark.parametrize(
    ("offset", "reminders"), [(-SECOND, 1), (0 * SECOND, 0), (SECOND, 0)], ids=["before", "at", "after"]
)
def test_a_reminder_that_was_due_by_then_never_comes(offset: timedelta, reminders: int) -> None:
    scenario = Scenario()
    scenario.receive(when("2026-02-08 10:00") + offset, import_of())
    scenario.advance_to("2026-02-20 00:00")
    assert len(scenario.times(RenewalDue)) == reminders
    assert scenario.times(Expired) == [when("2026-02-16 00:00")]


@pytest.mark.rule("R43")
def test_the_next_true_reminder_of_a_list_comes_on_its_day() -> None:
    scenario = Scenario(rules=rules(reminder_days=(30, 7, 1)))
    scenario.receive("2026-02-09 12:00", import_of())
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.times(RenewalDue) == [when("2026-02-14 10:00")]


@pytest.mark.rule("R43", "R21")
@cases(
    ("at", "attempt"),
    [
        ("2026-01-20 12:00", "2026-02-06 08:00"),
        ("2026-02-06 07:59", "2026-02-06 08:00"),
        ("2026-02-06 08:00", "2026-02-07 08:00"),
        ("2026-02-10 07:00", "2026-02-10 08:00"),
        ("2026-02-14 12:00", "2026-02-15 08:00"),
        ("2026-02-15 08:00", None),
    ],
)
def test_the_next_attempt_is_nine_days_before_the_end_or_the_next_morning(at: str, attempt: str | None) -> None:
    scenario = taken_over(at, cycle=1)
    plan = scenario.only(Imported).auto_renewal
    assert plan is not None
    assert plan.effective_on == day(at[:10])
    assert plan.first_attempt_at == (attempt and when(attempt))
    assert scenario.account.balance == Decimal("0.00")
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.times(AutoRenewalFailed)[:1] == ([when(attempt)] if attempt else [])


@pytest.mark.rule("R43", "R34")
@pytest.mark.parametrize(("at", "warned"), [("2026-02-22 09:59", True), ("2026-02-22 10:00", False)])
def test_in_grace_only_what_lies_ahead_comes(at: str, warned: bool) -> None:
    scenario = taken_over(at)
    emitted = kinds(scenario.advance_to("2026-02-23 00:00"))
    assert emitted == (["ReleaseDue", "Released"] if warned else ["Released"])
    assert scenario.times(Released) == [when("2026-02-23 00:00")]
    assert scenario.times(ReleaseDue) == ([when("2026-02-22 10:00")] if warned else [])


@pytest.mark.rule("R43")
def test_nothing_is_deducted_by_an_import_nor_by_a_balance_that_comes_with_it() -> None:
    scenario = Scenario()
    scenario.receive("2026-02-10 12:00", credit("1000.00"), import_of(cycle=1), credit("500.00", "cr-2"))
    assert kinds([event for _, event in scenario.log]) == ["Imported"]
    assert scenario.account.balance == Decimal("1500.00")
    (renewed,) = scenario.advance_to("2026-02-11 08:00")
    assert isinstance(renewed, Renewed)
    assert renewed.expires_on == day("2026-03-15")


@pytest.mark.rule("R42", "R28")
def test_a_decline_is_taken_over_and_an_enabling_takes_it_back() -> None:
    scenario = taken_over(declined=True)
    assert scenario.active.declined
    scenario.receive("2026-01-21 12:00", enable(1))
    assert not scenario.active.declined


@pytest.mark.rule("R44", "R33")
def test_a_quota_that_is_exceeded_already_is_stated_and_not_announced() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-16 09:00", *(registered(f"s-{number}") for number in range(3)))
    few = imported_term(bought=specification("advanced", servers=2))
    (event,) = scenario.receive("2026-01-20 12:00", import_of(few))
    assert isinstance(event, Imported)
    assert event.quota_exceeded
    assert scenario.active.quota_exceeded
    (restored,) = scenario.receive("2026-01-21 12:00", released("s-0"))
    assert isinstance(restored, QuotaRestored)
    (exceeded,) = scenario.receive("2026-01-22 12:00", registered("s-9"))
    assert isinstance(exceeded, QuotaExceeded)


@pytest.mark.rule("R44")
def test_inventory_that_comes_later_flips_the_flag_with_an_event() -> None:
    scenario = taken_over("2026-01-20 12:00", imported_term(bought=specification("advanced", servers=0)))
    assert not scenario.only(Imported).quota_exceeded
    assert kinds(scenario.receive("2026-01-21 12:00", registered("s-1"))) == ["QuotaExceeded"]


@pytest.mark.rule("R44")
def test_configuration_that_came_before_is_kept() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-16 09:00", recorded("a"), import_of(), recorded("b"))
    assert sum(scenario.account.retained.values()) == 2


@pytest.mark.rule("R44", "R39")
def test_an_imported_subscription_lives_on_like_a_bought_one() -> None:
    bought = started("2026-01-15 09:00", auto_renewal=True, order_id="old-1")
    taken = taken_over("2026-01-15 09:00", cycle=1)
    for scenario in (bought, taken):
        scenario.receive("2026-01-17 09:00", credit("400.00"), registered("s-1"))
        scenario.receive("2026-02-20 09:00", renewal("r-9", months=3))
        scenario.advance_to("2026-09-01 00:00")
    assert taken.log[1:] == bought.log[1:]
    assert timeline(taken.account, now=when("2026-01-15 09:00"), rules=RULES) == timeline(
        bought.account, now=when("2026-01-15 09:00"), rules=RULES
    )


@pytest.mark.rule("R42")
def test_a_purchase_after_an_import_is_refused() -> None:
    scenario = taken_over()
    assert refusal(scenario.receive("2026-01-21 12:00", purchase("p-9"))).code is RejectionCode.ALREADY_SUBSCRIBED
