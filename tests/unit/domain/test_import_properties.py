"""What holds for every subscription that is taken over, at any moment of any life (R42-R44)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from shared.contracts.imported import ImportedAutoRenewal, ImportedTerm, SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import LifecycleData, OrderRejected, Renewed
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from subscription_service.domain import importing
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.model import Account, Active, Grace
from subscription_service.domain.quota import exceeds
from tests.unit.domain.lives import BIRTH, instants
from tests.unit.domain.scenario import ACCOUNT, ANNA, RULES, Scenario, contact_changed, rules
from tests.unit.domain.strategies import COMMANDS, LIVES, PAUSES, Life

pytestmark = pytest.mark.slow
LATER = st.lists(st.tuples(PAUSES, COMMANDS), max_size=8)
AFTERWARDS = timedelta(days=120)
NOTICED = rules(charge_notice_days=(21, 7))


def lived(life: Life) -> tuple[Scenario, datetime]:
    """The account at the end of a life, with all that was due, and that instant."""
    scenario = Scenario(rules=NOTICED)
    for time, command in zip(instants(life), [life.bought, *(command for _, command in life.steps)], strict=True):
        scenario.receive(time, command)
    now = instants(life)[-1].replace(microsecond=0) + timedelta(seconds=1)
    scenario.advance_to(now)
    return scenario, now


def as_import(subscription: Active | Grace, account: Account) -> SubscriptionImported:
    """What another system would export of a subscription."""
    terms = tuple(
        ImportedTerm(
            order_id=term.order_id,
            starts_at=term.starts_at,
            months=term.months,
            specification=term.specification,
            expires_on=term.expires_on,
        )
        for term in subscription.terms
    )
    switch = subscription.auto_renewal
    return SubscriptionImported(
        import_id="imp-1",
        account_id=ACCOUNT,
        contact=account.contact or ANNA,
        anchor_day=subscription.anchor_day,
        terms=terms,
        auto_renewal=None if switch is None else ImportedAutoRenewal(cycle_months=switch.cycle_months),  # type: ignore[arg-type]
        declined=subscription.declined,
    )


def taken_over(life: Life) -> tuple[Scenario, Scenario, datetime]:
    """A subscription at the end of a life, and the same in an account that took it over with its facts, at once."""
    bought, now = lived(life)
    subscription = bought.account.subscription
    assume(isinstance(subscription, Active | Grace))
    assert isinstance(subscription, Active | Grace)
    bought.receive(now, contact_changed(bought.account.contact or ANNA))  # after an erasure both begin anew
    command = as_import(subscription, bought.account)
    unknown = structs.replace(bought.account, subscription=None, contact=None, version=0, decided_at=None)
    taken = Scenario(rules=NOTICED, account=unknown)
    taken.receive(now, command)
    return bought, taken, now


def carried_on(scenario: Scenario, now: datetime, later: list[tuple[timedelta, InboundData]]) -> list[Any]:
    """What is published from now on, with its instants; ids that are made of the first order's id left out."""
    seen, time = len(scenario.log), now
    for pause, command in later:
        time += pause
        scenario.receive(time, command)
    scenario.advance_to(time + AFTERWARDS)
    return [(at, without_made_ids(event)) for at, event in scenario.log[seen:]]


def without_made_ids(event: LifecycleData) -> object:
    if isinstance(event, Renewed):
        return event.method, event.term.starts_at, event.ends_at, event.charged, event.balance_after, event.coupon_id
    return event


@pytest.mark.rule("R42", "R44")
@given(life=LIVES)
@settings(max_examples=100, deadline=None)
def test_whatever_is_live_can_be_taken_over_and_is_then_the_same_subscription(life: Life) -> None:
    bought, taken, _ = taken_over(life)
    (event,) = [event for _, event in taken.log]
    assert isinstance(event, Imported)
    one, other = bought.account.subscription, taken.account.subscription
    assert isinstance(one, Active | Grace)
    assert isinstance(other, Active | Grace)
    assert type(one) is type(other)
    assert (one.anchor_day, one.terms[-1], one.declined) == (other.anchor_day, other.terms[-1], other.declined)
    assert list(importing.faults(as_import(one, bought.account), RULES.policy.billing_zone)) == []


@pytest.mark.rule("R43", "R44")
@given(life=LIVES, later=LATER)
@settings(max_examples=150, deadline=None)
def test_an_import_lives_on_like_what_was_bought(life: Life, later: list[tuple[timedelta, InboundData]]) -> None:
    bought, taken, now = taken_over(life)
    one = bought.account.subscription
    assert isinstance(one, Active | Grace)
    assume(not isinstance(one, Active) or (one.failure is None and one.attempts == 0))
    switch = one.auto_renewal
    today = billing_day(now, RULES.policy.billing_zone)
    assume(
        switch is None or (switch.effective_on <= today and (switch.held_cycle is None or switch.effective_on < today))
    )
    other = taken.account.subscription
    assert isinstance(other, Active | Grace)
    assume(one.quota_exceeded == other.quota_exceeded)
    assert carried_on(taken, now, later) == carried_on(bought, now, later)


@pytest.mark.rule("R43", "R44")
@given(life=LIVES, later=LATER)
@settings(max_examples=100, deadline=None)
def test_the_fold_of_an_imports_log_is_what_is_stored_and_no_money_moves_with_it(
    life: Life, later: list[tuple[timedelta, InboundData]]
) -> None:
    bought, taken, now = taken_over(life)
    assert taken.account.balance == bought.account.balance
    assert not [event for _, event in taken.log if isinstance(event, Renewed | AutoRenewalFailed | OrderRejected)]
    carried_on(taken, now, later)
    folded, stored = taken.folded(), taken.account
    assert (folded.subscription, folded.contact, folded.version) == (
        stored.subscription,
        stored.contact,
        stored.version,
    )


@pytest.mark.rule("R44", "R33")
@given(life=LIVES)
@settings(max_examples=60, deadline=None)
def test_the_flag_that_an_import_states_is_right(life: Life) -> None:
    bought, taken, _ = taken_over(life)
    event = taken.only(Imported)
    assert event.quota_exceeded == exceeds(bought.account, event.specification, RULES.catalog)


@pytest.mark.rule("R43")
@given(life=LIVES)
@settings(max_examples=100, deadline=None)
def test_nothing_that_was_due_by_the_import_ever_comes(life: Life) -> None:
    _, taken, now = taken_over(life)
    taken.advance_to(now + AFTERWARDS)
    assert all(at > now for at, _ in taken.log[1:])
    assert now > BIRTH
