"""Reminders after a restart with another policy: what the old one had due comes, what only the new one had does not."""

from typing import Any

import pytest

from shared.contracts.lifecycle import RenewalDue
from subscription_service.domain.policy import ReminderRow
from subscription_service.domain.timers import next_timer
from tests.unit.domain.scenario import RULES, restarted, rules, started, when

OFTEN = rules(reminder_days=(30, 15, 7, 3, 1))
YEARLY = rules(
    reminders=(
        ReminderRow(min_months=12, days=(60, 30), hour=9),
        ReminderRow(min_months=2, days=(14,), hour=23),
    )
)


@pytest.mark.rule("R29", "R51")
@pytest.mark.parametrize(
    ("restart", "first"),
    [
        ("2026-11-16 08:59:59", "2026-11-16 09:00"),
        ("2026-11-16 09:00:00", "2026-12-16 09:00"),
        ("2026-12-16 09:00:00", "2027-01-16 00:00"),
    ],
)
def test_what_a_new_table_would_have_had_due_before_the_restart_is_left_out(restart: str, first: str) -> None:
    scenario = started("2026-01-15 09:00", months=12)
    scenario.rules = restarted(RULES, restart, reminders=YEARLY.policy.reminders)
    scenario.advance_to(restart)
    timer = next_timer(scenario.account, scenario.rules.policy)
    assert (timer and timer.at, scenario.times(RenewalDue)) == (when(first), [])


@pytest.mark.rule("R4", "R29")
@pytest.mark.parametrize("changes", [{"reminder_days": (30, 15, 7, 3, 1)}, {"reminder_hour": 11}])
def test_what_was_due_by_the_old_policy_while_no_copy_ran_still_comes_after_a_new_one(changes: dict[str, Any]) -> None:
    scenario = started("2026-01-15 09:00")
    scenario.rules = restarted(RULES, "2026-02-08 10:00", **changes)
    scenario.advance_to("2026-02-08 10:00")
    assert scenario.times(RenewalDue) == [when("2026-02-08 10:00")]


@pytest.mark.rule("R4", "R51")
def test_after_a_new_policy_an_account_s_last_decided_instant_is_the_restart_where_something_was_left_out() -> None:
    scenario = started("2026-01-31 09:00")
    scenario.rules = restarted(RULES, "2026-02-20 09:00", reminder_days=OFTEN.policy.reminder_days)
    scenario.advance_to("2026-02-20 09:00")
    assert (scenario.account.decided_at, len(scenario.log)) == (when("2026-02-20 09:00"), 1)
