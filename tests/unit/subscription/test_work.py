"""What waits on the edge's desk and when its turn comes: for a purchase (R40), and for timers (R4)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.inbound import ContactChanged, InboundData, PurchaseOrdered
from shared.contracts.lifecycle import Activated, OrderRejected
from shared.storage.event_counts import Outcome
from tests.unit.domain.story import (
    bound,
    credit,
    enable,
    purchase,
    registered,
    renewal,
    specification,
    unbound,
    when,
)
from tests.unit.domain.strategies import ORDERS, SWITCHES
from tests.unit.subscription.one_account import OneAccount

NOON = when("2026-01-15 12:00")
SECOND = timedelta(seconds=1)
PARK_FOR = timedelta(minutes=15)
PARTIAL = specification(mode="partial")


@pytest.mark.rule("R40")
def test_in_the_last_second_of_its_wait_an_order_still_finds_its_purchase() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, renewal()), (NOON, bound("s-1")))
    one_account.catch_up(PARK_FOR - SECOND)
    one_account.hear((one_account.now, purchase(specification=PARTIAL)))
    assert one_account.kinds == ["Activated", "Renewed"]
    assert {at for at, _ in one_account.log} == {NOON + PARK_FOR - SECOND}
    assert not one_account.locked.waiting


@pytest.mark.rule("R40")
def test_everything_on_renewals_and_bindings_wait_and_nothing_else_does() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, renewal()), (NOON, enable()), (NOON, bound("s-1")), (NOON, unbound("s-1")))
    one_account.hear((NOON, registered("s-1")), (NOON, credit("5.00")))
    assert len(one_account.locked.waiting) == 4
    assert one_account.counted == {Outcome.APPLIED: 2}


@pytest.mark.rule("R4", "R40")
def test_a_wait_that_was_over_before_the_purchase_ends_before_it_even_if_both_are_found_later() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, renewal()))
    one_account.now += timedelta(hours=1)  # nobody was there
    one_account.hear((NOON + PARK_FOR, purchase()))
    one_account.catch_up()
    assert [(at, type(event)) for at, event in one_account.log] == [
        (NOON + PARK_FOR, OrderRejected),
        (NOON + PARK_FOR, Activated),
    ]


@pytest.mark.rule("R4", "R40")
def test_a_purchase_that_was_in_time_is_in_time_even_if_it_is_found_later() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, renewal()))
    one_account.now += timedelta(hours=1)
    one_account.hear((NOON + PARK_FOR - SECOND, purchase()))
    one_account.catch_up()
    assert one_account.kinds == ["Activated", "Renewed"]


@pytest.mark.rule("R4", "R40")
def test_the_end_of_a_wait_is_an_instant_of_whole_seconds() -> None:
    one_account = OneAccount(NOON + timedelta(microseconds=300_000))
    one_account.hear((one_account.now, renewal()))
    one_account.catch_up(PARK_FOR)
    assert [at for at, _ in one_account.log] == [NOON + PARK_FOR]


@pytest.mark.rule("R40", "R41")
def test_each_wait_ends_at_its_own_instant() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, renewal("r-1")))
    one_account.now += SECOND
    one_account.hear((NOON, renewal("r-2")))
    one_account.catch_up(timedelta(hours=1))
    assert [at for at, _ in one_account.log] == [NOON + PARK_FOR, NOON + PARK_FOR + SECOND]
    assert one_account.counted == {Outcome.REJECTED: 2}


WAITING = st.one_of(SWITCHES, ORDERS, st.builds(bound, st.sampled_from(["s-1", "s-2"]))).filter(
    lambda command: not isinstance(command, PurchaseOrdered | ContactChanged)
)
WAITERS = st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(hours=2)), WAITING), min_size=1, max_size=8)


@pytest.mark.rule("R40")
@given(said=WAITERS, data=st.data())
@settings(max_examples=200, deadline=None)
def test_orders_before_their_purchase_end_as_they_would_behind_it(
    said: list[tuple[timedelta, InboundData]], data: st.DataObject
) -> None:
    bought = (NOON, purchase("p-0", specification=PARTIAL, auto_renewal=True))
    orders = [(NOON + pause, command) for pause, command in said]
    place = data.draw(st.integers(0, len(orders)))
    behind, before = OneAccount(NOON + timedelta(hours=2)), OneAccount(NOON + timedelta(hours=2))
    behind.hear(bought, *orders)
    before.hear(*orders[:place])
    before.hear(bought, *orders[place:])
    assert before.log == behind.log
    assert before.locked.account == behind.locked.account
    assert before.counted == behind.counted
    assert sum(before.counted.values()) == 1 + len(orders)


@pytest.mark.rule("R4")
def test_events_that_meet_a_due_timer_go_on_by_their_time_and_not_by_their_arrival() -> None:
    one_account = OneAccount(NOON)
    one_account.hear((NOON, purchase()))
    one_account.now = when("2026-03-01 00:00")
    in_grace, in_time = when("2026-02-20 12:00"), when("2026-02-01 12:00")
    one_account.hear((in_grace, renewal("r-2")), (in_time, credit("5.00")), (in_time, renewal("r-1")))
    assert one_account.kinds == ["Activated"]
    one_account.catch_up()
    # The renewal of February moved E to 15 March before anything was due, so the second one met no grace.
    assert [(type(event).__name__, at) for at, event in one_account.log[1:]] == [
        ("Renewed", in_time),
        ("Renewed", in_grace),
    ]
