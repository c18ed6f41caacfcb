"""Events that wait for a purchase (R40) or for timers (R4), decided through the unit of work without a database."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.imported import SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, OrderRejected, Renewed
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.purchases import ContactChanged, PurchaseOrdered
from shared.storage.event_counts import EventOutcome
from tests.kit.examples import examples
from tests.unit.domain.scenario import (
    RULES,
    bound,
    credit,
    enable,
    purchase,
    registered,
    renewal,
    rules,
    specification,
    unbound,
    when,
)
from tests.unit.domain.strategies import ORDERS, SWITCHES
from tests.unit.subscription.single_account import SingleAccount, incoming, unit_of_work

NOON = when("2026-01-15 12:00")
SECOND = timedelta(seconds=1)
PARK_FOR = timedelta(minutes=15)
PARTIAL = specification(mode="partial")


@pytest.mark.rule("R40")
def test_in_the_last_second_of_its_wait_an_order_still_finds_its_purchase() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()), (NOON, bound("s-1")))
    account.catch_up(PARK_FOR - SECOND)
    account.receive((account.now, purchase(specification=PARTIAL)))
    assert account.kinds == ["Activated", "Renewed"]
    assert {at for at, _ in account.log} == {NOON + PARK_FOR - SECOND}
    assert not account.locked.waiting


@pytest.mark.rule("R40")
def test_everything_on_renewals_and_bindings_wait_and_nothing_else_does() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()), (NOON, enable()), (NOON, bound("s-1")), (NOON, unbound("s-1")))
    account.receive((NOON, registered("s-1")), (NOON, credit("5.00")))
    assert len(account.locked.waiting) == 4
    assert account.counted == {EventOutcome.APPLIED: 2}


@pytest.mark.rule("R4", "R40")
def test_a_wait_that_was_over_before_the_purchase_ends_before_it_even_if_both_are_found_later() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()))
    account.now += timedelta(hours=1)  # nobody was there
    account.receive((NOON + PARK_FOR, purchase()))
    account.catch_up()
    assert [(at, type(event)) for at, event in account.log] == [
        (NOON + PARK_FOR, OrderRejected),
        (NOON + PARK_FOR, Activated),
    ]


@pytest.mark.rule("R4", "R40")
def test_a_purchase_that_was_in_time_is_in_time_even_if_it_is_found_later() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()))
    account.now += timedelta(hours=1)
    account.receive((NOON + PARK_FOR - SECOND, purchase()))
    account.catch_up()
    assert account.kinds == ["Activated", "Renewed"]


@pytest.mark.rule("R4")
def test_what_became_due_after_the_inputs_were_read_waits_for_the_next_look() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal("r-1")))
    account.now += SECOND
    account.receive((account.now, renewal("r-2")))
    account.catch_up(timedelta(hours=1), read_to=NOON + PARK_FOR - SECOND)
    assert account.log == []
    account.catch_up(read_to=NOON + PARK_FOR)
    assert [at for at, _ in account.log] == [NOON + PARK_FOR]
    account.catch_up()
    assert [at for at, _ in account.log] == [NOON + PARK_FOR, NOON + PARK_FOR + SECOND]


@pytest.mark.rule("R4")
def test_a_timer_that_became_due_after_the_inputs_were_read_keeps_events_after_it_waiting() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, purchase()))
    reminder = account.locked.next_due_at(NOON, RULES.policy)
    assert reminder is not None
    account.now = reminder + timedelta(hours=1)
    account.receive((account.now, renewal()))
    account.catch_up(read_to=reminder - SECOND)
    assert account.kinds == ["Activated"]
    account.catch_up(read_to=reminder)
    assert account.kinds == ["Activated", "RenewalDue", "Renewed"]


@pytest.mark.rule("R4", "R40")
def test_the_end_of_a_wait_is_an_instant_of_whole_seconds() -> None:
    account = SingleAccount(NOON + timedelta(microseconds=300_000))
    account.receive((account.now, renewal()))
    account.catch_up(PARK_FOR)
    assert [at for at, _ in account.log] == [NOON + PARK_FOR]


@pytest.mark.rule("R40", "R41")
def test_each_wait_ends_at_its_own_instant() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal("r-1")))
    account.now += SECOND
    account.receive((NOON, renewal("r-2")))
    account.catch_up(timedelta(hours=1))
    assert [at for at, _ in account.log] == [NOON + PARK_FOR, NOON + PARK_FOR + SECOND]
    assert account.counted == {EventOutcome.REJECTED: 2}


@pytest.mark.rule("R5", "R40")
def test_only_the_purchase_that_is_accepted_lets_go_what_waits() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()), (NOON, purchase("p-1", terms_accepted=False)))
    assert len(account.locked.waiting) == 1
    account.receive((NOON, purchase("p-2")), (NOON, purchase("p-3")))
    assert account.kinds == ["OrderRejected", "Activated", "Renewed", "OrderRejected"]
    assert not account.locked.waiting


@pytest.mark.rule("R4", "R40")
def test_a_purchase_that_had_to_wait_itself_lets_go_what_waits_for_it() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal("r-1")))
    account.now += timedelta(minutes=5)
    account.receive((account.now, renewal("r-2")))
    account.now = NOON + PARK_FOR + SECOND  # the first wait is over, the second is not
    account.receive((account.now, purchase()))
    assert account.kinds == []
    account.catch_up()
    assert [(at, type(event)) for at, event in account.log] == [
        (NOON + PARK_FOR, OrderRejected),
        (account.now, Activated),
        (account.now, Renewed),
    ]
    assert not account.locked.waiting


@pytest.mark.rule("R40")
def test_more_than_an_account_may_park_is_refused_at_once_and_counted() -> None:
    account = SingleAccount(NOON, rules(park_limit=2))
    account.receive(*[(NOON, bound(f"s-{number}")) for number in range(4)])
    assert [(at, event.code) for at, event in account.log if isinstance(event, OrderRejected)] == [
        (NOON, RejectionCode.NOT_SUBSCRIBED)
    ] * 2
    account.receive((NOON, purchase(specification=PARTIAL)), (NOON, bound("s-9")))
    assert account.counted == {EventOutcome.REJECTED: 2, EventOutcome.APPLIED: 4}
    assert sorted(account.locked.account.servers) == ["s-0", "s-1", "s-9"]


@pytest.mark.rule("R4", "R40")
def test_many_that_wait_go_on_one_step_at_a_time() -> None:
    """So that whoever drives the unit of work can let others go on between any two of them."""
    account = SingleAccount(NOON)
    account.receive(*[(NOON, bound(f"s-{number}")) for number in range(500)])
    bought = incoming(NOON, purchase(specification=specification(mode="partial", servers=500)))
    steps = unit_of_work(NOON, account.locked).handle([bought])
    assert len(list(steps)) == 1 + 500
    overdue = SingleAccount(NOON)
    overdue.receive(*[(NOON, bound(f"s-{number}")) for number in range(500)])
    later = unit_of_work(NOON + PARK_FOR, overdue.locked)
    assert len(list(later.catch_up([overdue.locked]))) == 500


WAITING = st.one_of(SWITCHES, ORDERS, st.builds(bound, st.sampled_from(["s-1", "s-2"]))).filter(
    lambda command: not isinstance(command, PurchaseOrdered | SubscriptionImported | ContactChanged)
)
WAITERS = st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(hours=2)), WAITING), min_size=1, max_size=8)


@pytest.mark.rule("R40")
@given(arrivals=WAITERS, data=st.data())
@settings(max_examples=examples(200), deadline=None)
def test_orders_before_their_purchase_end_as_they_would_after_it(
    arrivals: list[tuple[timedelta, InboundData]], data: st.DataObject
) -> None:
    bought = (NOON, purchase("p-0", specification=PARTIAL, auto_renewal=True))
    orders = [(NOON + pause, command) for pause, command in arrivals]
    place = data.draw(st.integers(0, len(orders)))
    after, before = SingleAccount(NOON + timedelta(hours=2)), SingleAccount(NOON + timedelta(hours=2))
    after.receive(bought, *orders)
    before.receive(*orders[:place])
    before.receive(bought, *orders[place:])
    assert before.log == after.log
    assert before.locked.account == after.locked.account
    assert before.counted == after.counted
    assert sum(before.counted.values()) == 1 + len(orders)


@pytest.mark.rule("R4")
def test_events_that_meet_a_due_timer_go_on_by_their_time_and_not_by_their_arrival() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, purchase()))
    account.now = when("2026-03-01 00:00")
    in_grace, in_time = when("2026-02-20 12:00"), when("2026-02-01 12:00")
    account.receive((in_grace, renewal("r-2")), (in_time, credit("5.00")), (in_time, renewal("r-1")))
    assert account.kinds == ["Activated"]
    account.catch_up()
    # The renewal of February moved E to 15 March before anything was due, so the second one met no grace.
    assert [(type(event).__name__, at) for at, event in account.log[1:]] == [
        ("Renewed", in_time),
        ("Renewed", in_grace),
    ]
