"""Events that the core cannot decide: one is a dead letter, those of many accounts in a row are a fault of ours."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from shared.kafka.culprits import MAX_IN_A_ROW, Culprits
from shared.runtime.errors import Transient
from subscription_service.domain.model import Account
from subscription_service.domain.policy import Rules
from subscription_service.unit_of_work import LockedAccount, UnitOfWork
from tests.unit.domain.scenario import RULES, credit, purchase, renewal, when
from tests.unit.subscription.single_account import incoming, unit_of_work

NOON: Final = when("2026-01-15 12:00")
BROKEN: Final[Rules] = replace(RULES, catalog=replace(RULES.catalog, editions={}))
"""With these no purchase can be decided: no edition has a price."""
MANY: Final = [f"acct-{number}" for number in range(MAX_IN_A_ROW + 1)]


def decide(accounts: Sequence[str], culprits: Culprits, *, bad: bool = True) -> UnitOfWork:
    """One transaction with an event of each account: one that breaks the core, or a credit."""
    locked = [LockedAccount(each, each, partition=0, revision=0) for each in map(Account, accounts)]
    begun = unit_of_work(NOON, *locked, rules=BROKEN, culprits=culprits)
    data = purchase() if bad else credit("5.00")
    for _ in begun.handle(incoming(NOON, replace(data, account_id=each)) for each in accounts):
        pass
    return begun


@pytest.mark.rule("G4")
def test_a_few_in_a_row_are_dead_letters() -> None:
    assert len(decide(MANY[:-1], Culprits()).dead_letters) == MAX_IN_A_ROW


@pytest.mark.rule("G4", "G5")
def test_one_account_after_another_is_our_own_fault_and_is_waited_for() -> None:
    with pytest.raises(Transient, match=f"{MAX_IN_A_ROW} records in a row failed.*: KeyError"):
        decide(MANY, Culprits())


@pytest.mark.rule("G4", "G5")
def test_so_is_one_transaction_after_another() -> None:
    culprits = Culprits()
    for each in MANY[:-1]:
        assert len(decide([each], culprits).dead_letters) == 1
    for _ in range(2):  # it is tried again, and waited for again
        with pytest.raises(Transient):
            decide(MANY[-1:], culprits)


@pytest.mark.rule("G4")
def test_an_event_that_is_decided_between_them_begins_the_row_anew() -> None:
    culprits = Culprits()
    decide(MANY[:-1], culprits)
    decide(["beside"], culprits, bad=False)
    assert len(decide(MANY[:-1], culprits).dead_letters) == MAX_IN_A_ROW


@pytest.mark.rule("G4")
def test_many_events_of_one_account_are_one_culprit() -> None:
    assert len(decide(["acct-1"] * 3 * MAX_IN_A_ROW, Culprits()).dead_letters) == 3 * MAX_IN_A_ROW


@pytest.mark.rule("G4", "R40")
def test_what_waited_for_its_purchase_is_a_dead_letter_of_its_own_and_the_purchase_stands() -> None:
    account = Account("acct-1")
    locked = LockedAccount(account, account, partition=0, revision=0)
    begun = unit_of_work(NOON, locked)
    orders = [incoming(NOON, replace(each, account_id="acct-1")) for each in (renewal(), purchase())]
    steps = begun.handle(orders)
    next(steps)
    next(steps)
    begun.rules = BROKEN
    assert list(steps) == [None]
    assert (len(begun.applied), len(begun.dead_letters)) == (1, 1)
