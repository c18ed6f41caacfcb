"""A restart with another policy: what was due by the one before happens once, and of the new one what comes later."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.lifecycle import RenewalDue, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, RenewalUpcoming
from subscription_service.domain.policy import Policy, ReminderRow, Rules
from tests.unit.domain.scenario import RULES, Scenario, credit, disable, enable, restarted, rules, started, when

RESTART = "2026-02-22 09:00"
"""Bought 31 January for a month: E is 28 February, a reminder was due on 21 February at 10:00."""


def reminders(before: Rules, after: Rules, now: str = RESTART) -> Sequence[datetime]:
    scenario = started("2026-01-31 09:00", rules=before)
    scenario.rules = after
    scenario.advance_to(now)
    return scenario.times(RenewalDue)


@pytest.mark.rule("R4", "R51")
@pytest.mark.parametrize(
    ("before", "after", "happened"),
    [
        ((7,), (3,), ["2026-02-21 10:00"]),
        ((7,), (20, 14, 7), ["2026-02-21 10:00"]),
        ((3,), (20, 14, 7), []),
        ((20, 7), (20, 14, 7), ["2026-02-08 10:00", "2026-02-21 10:00"]),
    ],
)
def test_what_was_due_by_the_old_policy_happens_once_and_what_only_the_new_one_had_before_is_left_out(
    before: tuple[int, ...], after: tuple[int, ...], happened: list[str]
) -> None:
    new = restarted(rules(reminder_days=before), RESTART, reminder_days=after)
    assert reminders(rules(reminder_days=before), new) == [when(text) for text in happened]


@pytest.mark.rule("R4", "R51")
@pytest.mark.parametrize(("restart", "happened"), [("09:59:59", []), ("10:00:00", ["2026-02-21 10:00"])])
def test_what_is_due_at_the_restart_itself_still_comes_by_the_old_policy(restart: str, happened: list[str]) -> None:
    after = restarted(RULES, f"2026-02-21 {restart}", reminder_days=(3,))
    assert reminders(RULES, after) == [when(text) for text in happened]


@pytest.mark.rule("R51")
def test_after_the_restart_the_new_policy_alone_counts() -> None:
    after = restarted(RULES, "2026-02-10 09:00", reminder_days=(20, 14, 3))
    assert reminders(RULES, after, "2026-02-28 00:00") == [when("2026-02-14 10:00"), when("2026-02-25 10:00")]


@pytest.mark.rule("R4", "R51")
def test_two_changes_of_the_policy_during_one_downtime_keep_what_was_due_by_each() -> None:
    first = rules(reminder_days=(20,))
    second = restarted(first, "2026-02-09 11:00", reminder_days=(19, 15))
    third = restarted(second, "2026-02-14 09:00", reminder_days=(18, 14))
    due = [when("2026-02-08 10:00"), when("2026-02-13 10:00"), when("2026-02-14 10:00")]
    assert reminders(first, third) == due


@pytest.mark.rule("R4", "R20", "R51")
def test_a_deduction_that_was_due_by_the_old_policy_is_taken_at_its_instant() -> None:
    scenario = started("2026-01-31 09:00", auto_renewal=True)
    scenario.receive("2026-01-31 09:00", credit("1000.00"))
    scenario.rules = restarted(RULES, "2026-02-20 09:00", auto_renewal_attempt_days=(12, 9, 5, 1))
    scenario.advance_to("2026-02-20 09:00")
    assert scenario.times(Renewed) == [when("2026-02-19 08:00")]


@pytest.mark.rule("R25", "R51")
def test_attempts_that_were_due_by_the_old_policy_follow_one_another_by_it() -> None:
    scenario = started("2026-01-31 09:00", auto_renewal=True)
    scenario.rules = restarted(RULES, "2026-02-21 09:00", auto_renewal_attempt_days=(9, 2))
    scenario.advance_to("2026-02-21 09:00")
    assert scenario.times(AutoRenewalFailed) == [when(f"2026-02-{day} 08:00") for day in (19, 20, 21)]


@pytest.mark.rule("R49", "R51")
def test_a_notice_that_was_due_by_the_old_policy_comes_though_the_new_one_has_none() -> None:
    scenario = started("2026-01-31 09:00", auto_renewal=True, rules=rules(charge_notice_days=(7,)))
    scenario.rules = restarted(scenario.rules, "2026-02-13 09:00", charge_notice_days=())
    scenario.advance_to("2026-02-13 09:00")
    assert scenario.times(RenewalUpcoming) == [when("2026-02-12 10:00")]
    assert scenario.rules.policy.gives_charge_notices


@pytest.mark.rule("R4", "R22")
def test_an_order_of_the_downtime_is_decided_in_time_also_where_only_the_new_policy_had_something_due() -> None:
    scenario = started("2026-01-31 09:00", rules=rules(reminder_days=(3,)))
    scenario.rules = restarted(scenario.rules, "2026-02-27 09:00", reminder_days=(20,))
    restart = when("2026-02-27 09:00")
    scenario.receive(when("2026-02-26 08:59:30"), enable(), now=restart + timedelta(seconds=3))
    scenario.receive(when("2026-02-26 09:00:00"), disable(), now=restart + timedelta(seconds=4))
    times = [when("2026-02-25 10:00"), when("2026-02-26 08:59:30"), when("2026-02-26 09:00:00")]
    assert [at for at, _ in scenario.log[1:]] == times


def test_a_policy_that_followed_another_differs_in_no_value_of_its_file() -> None:
    assert repr(restarted(RULES, RESTART).policy) == repr(RULES.policy)
    assert isinstance(started().rules, Rules)
    assert Scenario().rules.of_then(when(RESTART)) is RULES


@pytest.mark.rule("R51")
def test_all_but_the_end_of_grace_and_what_waits_decides_what_is_due() -> None:
    other = {
        "billing_zone": ZoneInfo("UTC"),
        "reminder_days": (3,),
        "reminders": (ReminderRow(days=(3,), hour=10),),
        "charge_notice_days": (3,),
        "auto_renewal_attempt_days": (3,),
        **dict.fromkeys(("deduction_hour", "reminder_hour", "charge_notice_hour", "release_reminder_hour"), 3),
        **dict.fromkeys(("version", "park_for", "park_limit", "park_limit_bytes", "claim_retention_days"), 3),
        "grace_days": 3,
    }
    assert other.keys() == {each.name for each in fields(Policy)} - {"earlier"}
    due = [name for name, value in other.items() if not rules(**{name: value}).policy.has_same_due(RULES.policy)]
    assert due == list(other)[:9]
