"""Events that change the order list are stored by few statements, each in its turn."""

from typing import Any

import pytest

from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.model import Account
from subscription_service.domain.timers import Timer, TimerKind
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.orders import stretches
from tests.unit.domain.acts import cancel, extend
from tests.unit.domain.scenario import renewal, started, when

NOW = when("2026-01-15 12:00")
CAUSE = Timer(NOW, TimerKind.DEDUCTION)


def emitted(*events: tuple[str, LifecycleData]) -> list[EmittedEvent]:
    return [EmittedEvent(Account(account_id=who), 1, data, NOW, CAUSE) for who, data in events]


def one(*commands: Any) -> LifecycleData:
    """The last of the events that these commands lead to."""
    scenario = started()
    return [event for command in commands for event in scenario.receive(NOW, command)][-1]


EXTENDED = one(extend(3, "2026-02-15"))
RENEWED = one(renewal())
TAKEN_BACK = one(renewal(), cancel())


@pytest.mark.rule("R47")
def test_extensions_of_a_whole_cohort_are_one_statement() -> None:
    cohort = emitted(*((f"acct-{number}", EXTENDED) for number in range(1000)))
    assert [len(stretch) for stretch in stretches(cohort)] == [1000]


@pytest.mark.rule("R46", "R47")
def test_what_makes_entries_is_stored_before_what_changes_them_and_an_account_changes_once_per_statement() -> None:
    events = emitted(
        *[("a", RENEWED), ("a", RENEWED), ("b", RENEWED)],
        *[("a", EXTENDED), ("b", EXTENDED)],
        *[("b", EXTENDED), ("a", EXTENDED)],
        ("a", TAKEN_BACK),
        ("a", RENEWED),
    )
    found = list(stretches(events))
    assert [len(stretch) for stretch in found] == [3, 2, 2, 1, 1]
    assert [event for stretch in found for event in stretch] == events


def test_without_events_there_is_no_statement() -> None:
    assert list(stretches([])) == []
