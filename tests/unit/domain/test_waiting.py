"""What waits, for what, and in which order (R4, R40): the answers of `domain.waiting` at each boundary."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from msgspec import structs

from subscription_service.domain.model import Account, Released
from subscription_service.domain.timers import Timer, TimerKind
from subscription_service.domain.waiting import (
    Decide,
    Defer,
    NothingDue,
    NotLoaded,
    Park,
    Refuse,
    RefuseOverdue,
    RunTimer,
    Schedule,
    WaitingEvents,
    next_due_at,
    next_step,
    on_arrival,
)
from tests.kit.cases import cases
from tests.unit.domain.scenario import ACCOUNT, RULES, rules, when

NOON: Final = when("2026-01-15 12:00")
SECOND: Final = timedelta(seconds=1)
MICROSECOND: Final = timedelta(microseconds=1)
PARK_FOR: Final = RULES.policy.park_for
UNKNOWN: Final = Account(account_id=ACCOUNT)
KNOWN: Final = structs.replace(
    UNKNOWN, subscription=Released(subscription_id="sub-1", released_at=NOON - timedelta(days=9))
)


@dataclass(frozen=True)
class Event:
    """An event with its `time`, which waits for a purchase unless stated otherwise."""

    time: datetime = NOON
    size: int = 100
    needs_purchase: bool = True


PURCHASE: Final = Event(needs_purchase=False)


def schedule(
    account: Account = KNOWN,
    timer: Timer | None = None,
    *,
    parked: dict[Event, datetime] | None = None,
    deferred: list[Event] | None = None,
) -> Schedule[Event]:
    """What happens around an event; `parked`: event -> end of its wait."""
    waiting: WaitingEvents[Event] = WaitingEvents()
    for event, until in (parked or {}).items():
        waiting.park(event, until)
    for event in deferred or []:
        waiting.defer(event)
    return Schedule(account, timer, waiting)


def arrival(
    around: Schedule[Event], event: Event, now: datetime = NOON, **changes: Any
) -> Decide | Refuse | Park | Defer:
    return on_arrival(around, event, now=now, policy=rules(**changes).policy)


def timer(at: datetime) -> Timer:
    return Timer(at, TimerKind.EXPIRY)


@pytest.mark.rule("R40")
@pytest.mark.parametrize("now", [NOON, NOON + MICROSECOND, NOON + SECOND - MICROSECOND])
def test_the_wait_for_a_purchase_ends_a_while_after_now_at_a_whole_second(now: datetime) -> None:
    assert arrival(schedule(UNKNOWN), Event(), now) == Park(NOON + PARK_FOR)


@pytest.mark.rule("R40")
@pytest.mark.parametrize(
    ("account", "event"), [(KNOWN, Event()), (UNKNOWN, PURCHASE)], ids=["account known", "no purchase needed"]
)
def test_what_need_not_wait_is_decided_at_its_time(account: Account, event: Event) -> None:
    assert arrival(schedule(account), event) == Decide(NOON)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("time", "at"),
    [(NOON - SECOND, NOON - SECOND), (NOON - MICROSECOND, NOON - SECOND), (NOON + SECOND, NOON)],
    ids=["earlier", "cut to the second", "not after the clock"],
)
def test_an_event_is_decided_at_its_time_cut_to_the_second_and_no_later_than_now(time: datetime, at: datetime) -> None:
    assert arrival(schedule(), Event(time)) == Decide(at)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("due_at", "answer"),
    [(NOON - SECOND, Defer()), (NOON, Defer()), (NOON + SECOND, Decide(NOON))],
    ids=["a second before", "at the same instant", "a second after"],
)
def test_an_event_waits_for_a_timer_that_is_due_no_later_than_it(due_at: datetime, answer: Decide | Defer) -> None:
    assert arrival(schedule(timer=timer(due_at)), Event()) == answer


@pytest.mark.rule("R4")
def test_a_timer_of_the_second_counts_for_an_event_within_that_second() -> None:
    late = NOON + SECOND - MICROSECOND
    assert arrival(schedule(timer=timer(NOON)), Event(late), late) == Defer()
    assert arrival(schedule(timer=timer(NOON + SECOND)), Event(late), late) == Decide(NOON)


@pytest.mark.rule("R4")
def test_what_was_decided_last_moves_an_older_event_and_so_the_timers_before_it() -> None:
    decided = structs.replace(KNOWN, decided_at=NOON)
    old = Event(NOON - timedelta(days=1))
    assert arrival(schedule(decided, timer(NOON + SECOND)), old) == Decide(NOON)
    assert arrival(schedule(decided, timer(NOON)), old) == Defer()


@pytest.mark.rule("R4")
def test_an_event_waits_while_another_is_deferred_whatever_their_times() -> None:
    assert arrival(schedule(deferred=[Event(NOON)]), Event(NOON - timedelta(days=1))) == Defer()


@pytest.mark.rule("R4", "R40")
@pytest.mark.parametrize(
    ("until", "answer"),
    [(NOON - SECOND, Defer()), (NOON, Defer()), (NOON + SECOND, Decide(NOON))],
    ids=["a second before", "at the same instant", "a second after"],
)
def test_a_purchase_waits_for_the_end_of_a_wait_that_is_no_later_than_it(
    until: datetime, answer: Decide | Defer
) -> None:
    assert arrival(schedule(UNKNOWN, parked={Event(): until}), PURCHASE) == answer


@pytest.mark.rule("R40")
@pytest.mark.parametrize(
    ("bound", "answer"),
    [
        ({"park_limit": 3}, Park(NOON + PARK_FOR)),
        ({"park_limit": 2}, Refuse(NOON)),
        ({"park_limit_bytes": 300}, Park(NOON + PARK_FOR)),
        ({"park_limit_bytes": 299}, Refuse(NOON)),
    ],
    ids=["one more", "one too many", "the last byte", "a byte too many"],
)
def test_an_account_may_park_so_much_and_no_more(bound: dict[str, Any], answer: Park | Refuse) -> None:
    parked = {Event(NOON - SECOND): NOON + SECOND, Event(NOON): NOON + PARK_FOR}
    assert arrival(schedule(UNKNOWN, parked=parked), Event(), **bound) == answer


@pytest.mark.rule("R4", "R40")
def test_what_finds_no_room_is_refused_after_those_whose_wait_is_over() -> None:
    around = schedule(UNKNOWN, parked={Event(NOON - PARK_FOR): NOON})
    assert arrival(around, Event(), park_limit=1) == Defer()
    around.waiting.defer(Event())
    assert next_step(around, now=NOON) == RefuseOverdue(NOON)
    around.waiting.take_overdue()
    assert next_step(around, now=NOON) == Refuse(NOON)


@pytest.mark.rule("R4")
def test_nothing_is_next_where_nothing_is_due() -> None:
    assert next_step(schedule(), now=NOON) == NothingDue()
    assert next_step(schedule(timer=timer(NOON + SECOND)), now=NOON) == NothingDue()
    assert next_step(schedule(UNKNOWN, parked={Event(): NOON + SECOND}), now=NOON) == NothingDue()


@pytest.mark.rule("R4")
def test_a_timer_runs_from_its_instant_on() -> None:
    due = timer(NOON)
    assert next_step(schedule(timer=due), now=NOON) == RunTimer(due)
    assert next_step(schedule(timer=due), now=NOON + timedelta(days=9)) == RunTimer(due)


@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("due_at", "timer_first"),
    [(NOON - SECOND, True), (NOON, True), (NOON + SECOND, False)],
    ids=["a second before", "at the same instant", "a second after"],
)
def test_a_timer_goes_before_a_deferred_event_of_the_same_instant(due_at: datetime, timer_first: bool) -> None:
    around = schedule(timer=timer(due_at), deferred=[Event(NOON)])
    answer = RunTimer(timer(due_at)) if timer_first else Decide(NOON)
    assert next_step(around, now=NOON + timedelta(hours=1)) == answer


@pytest.mark.rule("R40")
@pytest.mark.parametrize(("now", "over"), [(NOON - SECOND, False), (NOON, True), (NOON + SECOND, True)])
def test_a_wait_is_over_at_its_last_instant_and_the_refusal_carries_that(now: datetime, over: bool) -> None:
    around = schedule(UNKNOWN, parked={Event(NOON - PARK_FOR): NOON})
    assert next_step(around, now=now) == (RefuseOverdue(NOON) if over else NothingDue())


@pytest.mark.rule("R4", "R40")
def test_a_refusal_is_no_earlier_than_what_was_decided_last() -> None:
    decided = structs.replace(UNKNOWN, decided_at=NOON + SECOND)
    assert next_step(schedule(decided, parked={Event(): NOON}), now=NOON + PARK_FOR) == RefuseOverdue(NOON + SECOND)


@pytest.mark.rule("R4", "R40")
@pytest.mark.parametrize(
    ("bought_at", "answer"),
    [(NOON - SECOND, Decide(NOON - SECOND)), (NOON, RefuseOverdue(NOON)), (NOON + SECOND, RefuseOverdue(NOON))],
    ids=["a second before", "at the same instant", "a second after"],
)
def test_a_purchase_is_in_time_only_before_the_end_of_the_wait(
    bought_at: datetime, answer: Decide | RefuseOverdue
) -> None:
    bought = Event(bought_at, needs_purchase=False)
    around = schedule(UNKNOWN, parked={Event(NOON - PARK_FOR): NOON}, deferred=[bought])
    assert next_step(around, now=NOON + timedelta(hours=1)) == answer


@pytest.mark.rule("R4", "R40")
def test_what_was_not_loaded_counts_but_cannot_go_on() -> None:
    not_loaded = NotLoaded(parked=2, parked_bytes=200, first_deadline=NOON + SECOND, deferred=0)
    around = Schedule(UNKNOWN, None, WaitingEvents[Event](not_loaded))
    assert arrival(around, Event(), park_limit=3) == Park(NOON + PARK_FOR)
    assert arrival(around, Event(), park_limit=2) == Refuse(NOON)
    assert arrival(around, Event(), park_limit_bytes=299) == Refuse(NOON)
    assert arrival(around, PURCHASE, NOON + SECOND) == Decide(NOON)
    late = Event(NOON + SECOND, needs_purchase=False)
    assert arrival(around, late, NOON + SECOND) == Defer()
    around.waiting.park(Event(), NOON + PARK_FOR)
    assert (len(around.waiting), around.waiting.first_deadline) == (3, NOON + SECOND)
    assert next_due_at(around, NOON) == NOON + SECOND
    with pytest.raises(RuntimeError, match="were not loaded"):
        around.waiting.take_parked()
    assert next_step(around, now=NOON) == NothingDue()
    assert next_step(around, now=NOON + SECOND) == RefuseOverdue(NOON + SECOND)
    with pytest.raises(RuntimeError, match="were not loaded"):
        around.waiting.take_overdue()


@pytest.mark.rule("R40")
def test_a_wait_that_is_loaded_ends_while_later_ones_are_not() -> None:
    stored = WaitingEvents[Event](NotLoaded(parked=3, parked_bytes=300, first_deadline=NOON))
    over = Event()
    waiting = stored.with_loaded([(over, NOON)], NOON + SECOND)
    assert (len(waiting), waiting.parked_bytes, waiting.first_deadline) == (3, 300, NOON)
    assert waiting.take_overdue() is over
    assert (len(waiting), waiting.parked_bytes, waiting.first_deadline) == (2, 200, NOON + SECOND)
    with pytest.raises(RuntimeError, match="were not loaded"):
        waiting.take_overdue()
    with pytest.raises(RuntimeError, match="were not loaded"):
        waiting.take_parked()


@pytest.mark.rule("R4")
def test_deferred_events_that_were_not_loaded_cannot_go_on() -> None:
    around = Schedule(KNOWN, None, WaitingEvents[Event](NotLoaded(deferred=1)))
    with pytest.raises(RuntimeError, match="were not loaded"):
        next_step(around, now=NOON)


@pytest.mark.rule("R4")
def test_a_deferred_event_that_was_not_loaded_defers_others() -> None:
    around = Schedule(KNOWN, None, WaitingEvents[Event](NotLoaded(deferred=1)))
    assert arrival(around, Event()) == Defer()
    assert next_due_at(around, NOON) == NOON
    assert len(around.waiting) == 1


@pytest.mark.rule("R4", "R40")
@cases(
    ("around", "due_at"),
    [
        (schedule(), None),
        (schedule(timer=timer(NOON + SECOND)), NOON + SECOND),
        (schedule(UNKNOWN, parked={Event(size=1): NOON + PARK_FOR, Event(size=2): NOON + SECOND}), NOON + SECOND),
        (schedule(timer=timer(NOON + SECOND), deferred=[Event()]), NOON),
        (schedule(timer=timer(NOON - SECOND), deferred=[Event()]), NOON - SECOND),
        (schedule(deferred=[Event()]), NOON),
    ],
)
def test_an_account_is_due_at_its_first_timer_or_end_of_a_wait_and_at_once_while_an_event_is_deferred(
    around: Schedule[Event], due_at: datetime | None
) -> None:
    assert next_due_at(around, NOON) == due_at
