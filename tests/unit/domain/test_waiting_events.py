"""The queues of waiting events: what goes on first, and what is stored (R4, R40)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscription_service.domain.waiting import WaitingEvents
from tests.unit.domain.test_waiting import NOON, PARK_FOR, SECOND, UNKNOWN, Event, schedule


@pytest.mark.rule("R4")
@given(st.permutations([0, 0, 1, 2, 2]))
def test_deferred_events_go_on_by_their_time_and_those_of_one_instant_by_their_arrival(seconds: list[int]) -> None:
    events = [Event(NOON + second * SECOND, size=number) for number, second in enumerate(seconds)]
    waiting = schedule(deferred=events).waiting
    taken = [waiting.take_deferred() for _ in events]
    assert taken == sorted(events, key=lambda event: (event.time, event.size))
    assert not waiting


@pytest.mark.rule("R40")
@given(st.permutations([0, 0, 1, 2, 2]))
def test_parked_events_go_on_in_order_of_arrival_and_end_in_order_of_their_waits(minutes: list[int]) -> None:
    """A wait can end before that of an earlier event, where `park_for` was made shorter meanwhile."""
    parked = {Event(size=number): NOON + timedelta(minutes=minute) for number, minute in enumerate(minutes)}
    assert schedule(UNKNOWN, parked=parked).waiting.take_parked() == list(parked)
    waiting = schedule(UNKNOWN, parked=parked).waiting
    overdue = [waiting.take_overdue() for _ in parked]
    assert overdue == sorted(parked, key=lambda event: (parked[event], event.size))
    assert (len(waiting), waiting.parked_bytes) == (0, 0)


def test_what_waits_is_stored_in_order_of_arrival_and_found_again_as_it_was() -> None:
    first, second, third = Event(NOON + SECOND), Event(NOON), Event(NOON - SECOND)
    waiting: WaitingEvents[Event] = WaitingEvents()
    waiting.park(first, NOON + PARK_FOR)
    waiting.defer(second)
    waiting.park(third, NOON + SECOND)
    stored = list(waiting)
    assert stored == [(first, NOON + PARK_FOR), (second, None), (third, NOON + SECOND)]
    found: WaitingEvents[Event] = WaitingEvents()
    for event, until in stored:
        found.add(event, until)
    assert found == waiting
