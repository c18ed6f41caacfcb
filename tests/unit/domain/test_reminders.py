"""The reminder before expiry: when it comes and what it says (R28-R30)."""

from decimal import Decimal

import pytest

from shared.contracts.lifecycle import LifecycleData, RenewalDue, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import AutoRenewalStatus, Obstacle, Quote, RejectionCode
from shared.contracts.types import Edition
from subscription_service.domain.policy import ReminderRow
from subscription_service.domain.reminders import obstacles, quote
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    RULES,
    coupon,
    credit,
    day,
    decline,
    disable,
    enable,
    refusal,
    registered,
    renewal,
    rules,
    specification,
    started,
    when,
)

MANY = rules(reminder_days=(30, 15, 7, 3, 1))
BY_TERM = rules(
    reminders=(
        ReminderRow(min_months=12, editions=(Edition.ULTIMATE, Edition.ENTERPRISE), days=(60, 30), hour=9),
        ReminderRow(min_months=12, days=(30, 7, 1), hour=0),
        ReminderRow(min_months=2, editions=(Edition.ADVANCED,), days=(14,), hour=23),
    )
)


def the_reminder(emitted: list[LifecycleData]) -> RenewalDue:
    (reminder,) = [event for event in emitted if isinstance(event, RenewalDue)]
    return reminder


@pytest.mark.rule("R29")
def test_seven_days_before_e_at_ten_a_reminder_comes() -> None:
    scenario = started("2026-01-15 09:00")
    assert scenario.advance_to("2026-02-08 09:59:59") == []
    (emitted,) = scenario.advance_to("2026-02-08 10:00:00")
    assert isinstance(emitted, RenewalDue)
    assert (emitted.expires_on, emitted.ends_at, emitted.days_left) == (day("2026-02-15"), when("2026-02-16 00:00"), 7)


@pytest.mark.rule("R29")
def test_one_that_was_renewed_in_the_last_second_gets_none() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-02-08 09:59:59", renewal())
    scenario.advance_to("2026-02-28 00:00")
    assert scenario.times(RenewalDue) == []
    scenario.advance_to("2026-03-15 00:00")
    assert scenario.times(RenewalDue) == [when("2026-03-08 10:00")]


@pytest.mark.rule("R4", "R29")
def test_one_that_is_renewed_by_the_deduction_of_the_same_instant_gets_none() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_hour=8, reminder_days=(9,)))
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    assert [type(event) for event in scenario.advance_to("2026-02-06 08:00")] == [Renewed]


@pytest.mark.rule("R29")
def test_any_list_of_days_works() -> None:
    scenario = started("2026-01-10 09:00", months=2, rules=MANY)
    scenario.advance_to("2026-03-11 00:00")
    expected = [f"{date} 10:00" for date in ("2026-02-08", "2026-02-23", "2026-03-03", "2026-03-07", "2026-03-09")]
    assert scenario.times(RenewalDue) == [when(text) for text in expected]


@pytest.mark.rule("R29")
@pytest.mark.parametrize(("bought", "count"), [("09:59:59", 5), ("10:00:00", 4), ("10:00:01", 4)])
def test_one_that_was_due_before_this_e_was_set_is_left_out(bought: str, count: int) -> None:
    scenario = started(f"2026-04-15 {bought}", rules=MANY)  # 30 days before its E
    assert scenario.active.terms[0].expires_on == day("2026-05-15")
    scenario.advance_to("2026-05-16 00:00")
    assert len(scenario.times(RenewalDue)) == count


@pytest.mark.rule("R30")
def test_after_a_downtime_it_states_the_days_that_are_truly_left() -> None:
    scenario = started("2026-01-15 09:00")
    emitted = scenario.receive("2026-02-08 12:00", registered("s-1"), now=when("2026-02-12 09:00"))
    assert the_reminder(emitted).days_left == 3
    late = started("2026-01-15 09:00")
    emitted = late.receive("2026-02-08 12:00", registered("s-1"), now=when("2026-03-12 09:00"))
    assert the_reminder(emitted).days_left == 0


@pytest.mark.rule("R21", "R30")
@cases(("deduction_hour", "months"), [(8, 12), (9, 12), (10, 12), (11, 1), (14, 1)])
def test_it_quotes_the_cycle_that_the_next_attempt_will_use(deduction_hour: int, months: int) -> None:
    """A new cycle takes effect with the next day: until then the attempt of today uses the one before."""
    scenario = started("2026-01-31 09:00", auto_renewal=True, rules=rules(deduction_hour=deduction_hour))
    scenario.advance_to("2026-02-21 08:30")
    scenario.receive("2026-02-21 08:30", enable(12))
    reminder = the_reminder(scenario.advance_to("2026-02-21 10:00"))
    scenario.advance_to("2026-02-22 15:00")
    tried = next(
        event for at, event in scenario.log if isinstance(event, AutoRenewalFailed) and at == reminder.attempt_at
    )
    assert (reminder.quote.months, reminder.quote.fee) == (months, tried.fee)
    assert (tried.months, tried.shortfall) == (months, reminder.shortfall)


@pytest.mark.rule("R30")
def test_it_quotes_the_cycle_and_else_the_last_term_s_months() -> None:
    by_hand = started("2026-01-15 09:00", months=2)
    assert the_reminder(by_hand.advance_to("2026-03-08 10:00")).quote == Quote(
        months=2, fee=Decimal("550.00"), currency="USD"
    )
    switched = started("2026-01-15 09:00", months=2)
    switched.receive("2026-01-16 09:00", enable(12))
    assert the_reminder(switched.advance_to("2026-03-08 10:00")).quote.months == 12


@pytest.mark.rule("R14", "R30")
def test_it_states_what_would_refuse_a_renewal_and_by_how_much() -> None:
    scenario = started("2026-01-15 09:00", specification=specification(servers=1, cores=7))
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert the_reminder(scenario.advance_to("2026-02-08 10:00")).obstacles == (
        Obstacle(code=RejectionCode.SERVERS_BELOW_INVENTORY, required=2, offered=1),
        Obstacle(code=RejectionCode.CORES_BELOW_INVENTORY, required=8, offered=7),
    )
    assert refusal(scenario.receive("2026-02-08 11:00", renewal())).required == 2


@pytest.mark.rule("R30")
def test_in_partial_mode_nothing_stands_against_a_renewal() -> None:
    scenario = started(specification=specification(mode="partial", servers=1))
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert obstacles(scenario.account, scenario.active, RULES.catalog) == ()
    assert quote(scenario.active, 24, at=when("2026-01-16 09:00"), rules=RULES).months == 24


@pytest.mark.rule("R30")
def test_it_says_how_auto_renewal_stands() -> None:
    statuses = {}
    off, charging, failed, declined = (started("2026-01-15 09:00") for _ in range(4))
    charging.receive("2026-02-08 09:00", enable())
    failed.receive("2026-01-16 09:00", enable())
    declined.receive("2026-01-16 09:00", decline())
    for name, scenario in (("off", off), ("will_charge", charging), ("failed", failed), ("declined", declined)):
        statuses[name] = the_reminder(scenario.advance_to("2026-02-08 10:00")).auto_renewal.value
    assert statuses == {name: name for name in statuses}


@pytest.mark.rule("R30")
def test_after_the_last_attempt_it_still_says_that_the_deduction_failed() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_days=(1,)))
    assert the_reminder(scenario.advance_to("2026-02-14 10:00")).auto_renewal is AutoRenewalStatus.FAILED


@pytest.mark.rule("R24", "R25", "R30")
def test_where_auto_renewal_will_charge_it_states_what_the_balance_lacks_after_the_coupon() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_days=(12,)))
    scenario.receive("2026-01-16 09:00", credit("70.00"), coupon("k-1", amount_off=Decimal("25.00")))
    told = the_reminder(scenario.advance_to("2026-02-03 10:00"))
    assert told.auto_renewal is AutoRenewalStatus.WILL_CHARGE
    assert (told.attempt_at, told.coupon_id) == (when("2026-02-06 08:00"), "k-1")
    assert (told.discount, told.balance, told.shortfall) == (Decimal("25.00"), Decimal("70.00"), Decimal("180.00"))


@pytest.mark.rule("R24", "R30")
@pytest.mark.parametrize(("until", "discount"), [("2026-02-06", "25.00"), ("2026-02-05", "0.00")])
def test_only_a_coupon_that_can_be_used_at_the_attempt_counts(until: str, discount: str) -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_days=(12,)))
    scenario.receive("2026-01-16 09:00", coupon(amount_off=Decimal("25.00"), valid_until=day(until)))
    assert the_reminder(scenario.advance_to("2026-02-03 10:00")).discount == Decimal(discount)


@pytest.mark.rule("R30")
@pytest.mark.parametrize(("balance", "shortfall"), [("274.99", "0.01"), ("275.00", "0.00"), ("500.00", "0.00")])
def test_a_balance_that_covers_the_fee_lacks_nothing(balance: str, shortfall: str) -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_days=(12,)))
    scenario.receive("2026-01-16 09:00", credit(balance))
    assert the_reminder(scenario.advance_to("2026-02-03 10:00")).shortfall == Decimal(shortfall)


@pytest.mark.rule("R25", "R30")
def test_after_the_last_attempt_it_states_what_is_missing_and_no_further_attempt() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True, rules=rules(reminder_days=(1,)))
    told = the_reminder(scenario.advance_to("2026-02-14 10:00"))
    assert (told.attempt_at, told.shortfall) == (None, Decimal("275.00"))


@pytest.mark.rule("R30")
@pytest.mark.parametrize("how", ["off", "declined"])
def test_where_nothing_will_be_deducted_it_states_no_balance(how: str) -> None:
    scenario = started("2026-01-15 09:00")
    if how == "declined":
        scenario.receive("2026-01-16 09:00", decline())
    told = the_reminder(scenario.advance_to("2026-02-08 10:00"))
    assert (told.attempt_at, told.discount, told.coupon_id, told.balance, told.shortfall) == (None,) * 5
    assert told.specification == specification()


@pytest.mark.rule("R28", "R29")
def test_once_declined_exactly_one_reminder_is_left_the_last() -> None:
    scenario = started("2026-01-10 09:00", months=2, rules=MANY)
    scenario.receive("2026-02-24 09:00", decline())
    scenario.advance_to("2026-03-11 00:00")
    assert scenario.times(RenewalDue) == [when(f"{date} 10:00") for date in ("2026-02-08", "2026-02-23", "2026-03-09")]


@pytest.mark.rule("R28")
def test_declining_after_the_last_reminder_brings_no_other() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-02-08 10:00:01", decline())
    scenario.advance_to("2026-02-16 00:00")
    assert len(scenario.times(RenewalDue)) == 1


@pytest.mark.rule("R28", "R29")
def test_disabling_auto_renewal_leaves_the_reminders() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive("2026-01-16 09:00", disable())
    assert the_reminder(scenario.advance_to("2026-02-08 10:00")).auto_renewal is AutoRenewalStatus.OFF


@pytest.mark.rule("R51")
@cases(
    ("months", "edition", "reminders"),
    [
        (12, "ultimate", ["2026-11-16 09:00", "2026-12-16 09:00"]),
        (24, "enterprise", ["2027-11-16 09:00", "2027-12-16 09:00"]),
        (12, "advanced", ["2026-12-16 00:00", "2027-01-08 00:00", "2027-01-14 00:00"]),
        (11, "advanced", ["2026-12-01 23:00"]),
        (2, "advanced", ["2026-03-01 23:00"]),
        (1, "advanced", ["2026-02-08 10:00"]),
        (11, "ultimate", ["2026-12-08 10:00"]),
    ],
)
def test_the_first_row_that_fits_term_and_edition_says_when_and_else_the_days_for_all(
    months: int, edition: str, reminders: list[str]
) -> None:
    scenario = started("2026-01-15 09:00", months=months, specification=specification(edition), rules=BY_TERM)
    scenario.advance_to("2028-02-01 00:00")
    assert scenario.times(RenewalDue) == [when(text) for text in reminders]


@pytest.mark.rule("R51")
def test_the_last_term_s_months_and_edition_count_whatever_came_before() -> None:
    scenario = started("2026-01-15 09:00", rules=BY_TERM)
    scenario.receive("2026-01-16 09:00", renewal(months=12))
    scenario.advance_to("2027-02-16 00:00")
    assert scenario.times(RenewalDue) == [when("2026-12-17 09:00"), when("2027-01-16 09:00")]


@pytest.mark.rule("R28", "R51")
def test_once_declined_the_last_day_of_the_row_is_left() -> None:
    scenario = started("2026-01-15 09:00", months=12, rules=BY_TERM)
    scenario.receive("2026-01-16 09:00", decline())
    scenario.advance_to("2027-01-16 00:00")
    assert scenario.times(RenewalDue) == [when("2026-12-16 09:00")]
