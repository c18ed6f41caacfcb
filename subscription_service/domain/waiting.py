"""Which events wait, for what, and what happens next to an account (R4, R40). Pure: knows neither records nor storage.

An event waits in one of two ways:
- parked: its account is not known, and it waits for an accepted purchase until an instant (R40)
- deferred: its account has timers that are due before it, or other deferred events, and they go first (R4)

`unit_of_work` asks `on_arrival` about each event in, and `next_step` again and again about an account of which
something is due; it does what they answer. Both read a `Schedule` and change nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from operator import itemgetter
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from subscription_service.domain.context import instant_of
from subscription_service.domain.model import Account
from subscription_service.domain.policy import Policy
from subscription_service.domain.timers import Timer


class WaitingEvent(Protocol):
    """What the functions here read of an event.

    `time`: its CloudEvents `time` (UTC). `size`: bytes of its record. `needs_purchase`: it waits while its
    account is not known, rather than being decided (R40).
    """

    @property
    def time(self) -> datetime: ...

    @property
    def size(self) -> int: ...

    @property
    def needs_purchase(self) -> bool: ...


EventT = TypeVar("EventT", bound=WaitingEvent)


class NotLoaded(NamedTuple):
    """What is known of an account's waiting events where they themselves are not needed and stay in storage."""

    parked: int = 0
    parked_bytes: int = 0
    first_deadline: datetime | None = None
    deferred: int = 0


@dataclass(slots=True)
class WaitingEvents(Generic[EventT]):
    """The waiting events of one account. Each operation costs at most the logarithm of their number.

    Two heaps: parked events by the end of their wait, deferred ones by their `time`; ties by order of arrival.
    An account with `not_loaded` events can take more, and the wait of one that is loaded can end before theirs; what
    needs them raises `RuntimeError`.
    """

    not_loaded: NotLoaded = NotLoaded()
    _parked_bytes: int = 0
    _arrivals: int = 0
    _parked: list[tuple[datetime, int, EventT]] = field(default_factory=list)
    _deferred: list[tuple[datetime, int, EventT]] = field(default_factory=list)

    def park(self, event: EventT, until: datetime) -> None:
        """It waits for a purchase until that instant (UTC)."""
        self._arrivals += 1
        self._parked_bytes += event.size
        heappush(self._parked, (until, self._arrivals, event))

    def defer(self, event: EventT) -> None:
        """It waits until all that is due before it has happened."""
        self._arrivals += 1
        heappush(self._deferred, (event.time, self._arrivals, event))

    def add(self, event: EventT, until: datetime | None) -> None:
        """Put back what was stored: parked until an instant, or, where that is None, deferred."""
        if until is None:
            self.defer(event)
        else:
            self.park(event, until)

    def with_loaded(
        self, parked: Iterable[tuple[EventT, datetime | None]], next_deadline: datetime | None
    ) -> "WaitingEvents[EventT]":
        """These of its parked events loaded, all others not; of those the first wait ends at `next_deadline` (UTC)."""
        loaded: WaitingEvents[EventT] = WaitingEvents()
        for event, until in parked:
            loaded.add(event, until)
        loaded.not_loaded = self.not_loaded._replace(
            parked=self.parked - loaded.parked,
            parked_bytes=self.parked_bytes - loaded.parked_bytes,
            first_deadline=next_deadline,
        )
        return loaded

    def take_deferred(self) -> EventT:
        """Remove and give the deferred event with the earliest `time`. Raises `IndexError` where there is none."""
        self._need(not self.not_loaded.deferred)
        return heappop(self._deferred)[2]

    def take_overdue(self) -> EventT:
        """Remove and give the parked event whose wait ends first. Raises `IndexError` where there is none."""
        stored = self.not_loaded.first_deadline
        self._need(stored is None or self.first_deadline != stored)
        event = heappop(self._parked)[2]
        self._parked_bytes -= event.size
        return event

    def take_parked(self) -> list[EventT]:
        """Remove and give all parked events, in order of arrival."""
        self._need(not self.not_loaded.parked)
        parked = [event for _, _, event in sorted(self._parked, key=itemgetter(1))]
        self._parked.clear()
        self._parked_bytes = 0
        return parked

    @property
    def parked(self) -> int:
        """The number of parked events."""
        return self.not_loaded.parked + len(self._parked)

    @property
    def parked_bytes(self) -> int:
        """The sum of their sizes."""
        return self.not_loaded.parked_bytes + self._parked_bytes

    @property
    def has_deferred(self) -> bool:
        """Whether any event is deferred."""
        return bool(self._deferred or self.not_loaded.deferred)

    @property
    def first_deadline(self) -> datetime | None:
        """The instant (UTC) at which the first wait for a purchase ends."""
        first = self._parked[0][0] if self._parked else None
        stored = self.not_loaded.first_deadline
        return min(first, stored) if first and stored else first or stored

    @property
    def earliest_deferred(self) -> EventT | None:
        """What `take_deferred` would give."""
        self._need(not self.not_loaded.deferred)
        return self._deferred[0][2] if self._deferred else None

    def __len__(self) -> int:
        return self.parked + self.not_loaded.deferred + len(self._deferred)

    def __iter__(self) -> Iterator[tuple[EventT, datetime | None]]:
        """Each loaded event with the end of its wait for a purchase (None: deferred), in order of arrival."""
        if not (self._parked or self._deferred):
            return iter(())  # of most accounts, with every event
        parked = [(arrival, event, until) for until, arrival, event in self._parked]
        deferred = [(arrival, event, None) for _, arrival, event in self._deferred]
        return ((event, until) for _, event, until in sorted([*parked, *deferred], key=itemgetter(0)))

    def _need(self, is_loaded: bool) -> None:
        if not is_loaded:
            raise RuntimeError("the account's waiting events were not loaded, and one of them must go on")


class Schedule(msgspec.Struct, Generic[EventT], frozen=True):
    """What decides the order in which things happen to one account; `timer` is its next one."""

    account: Account
    timer: Timer | None
    waiting: WaitingEvents[EventT]


class Decide(msgspec.Struct, frozen=True):
    """Decide the event at this instant (UTC)."""

    at: datetime


class Refuse(msgspec.Struct, frozen=True):
    """Refuse the event `not_subscribed` at this instant (UTC): no more may wait for a purchase of this account."""

    at: datetime


class Park(msgspec.Struct, frozen=True):
    """Let the event wait for a purchase until this instant (UTC)."""

    until: datetime


class Defer(msgspec.Struct, frozen=True):
    """Let the event wait until all that is due before it has happened."""


class RunTimer(msgspec.Struct, frozen=True):
    """Run this timer."""

    timer: Timer


class RefuseOverdue(msgspec.Struct, frozen=True):
    """Refuse the parked event whose wait ends first, `not_subscribed` at this instant (UTC)."""

    at: datetime


class NothingDue(msgspec.Struct, frozen=True):
    """Nothing more is due by now."""


_DEFER: Final = Defer()
_NOTHING_DUE: Final = NothingDue()


def on_arrival(
    schedule: Schedule[EventT], event: EventT, *, now: datetime, policy: Policy
) -> Decide | Refuse | Park | Defer:
    """What to do with an event that has just come in. `now`: the service clock (UTC).

    A wait for a purchase ends at a whole second, `park_for` after `now`.
    """
    account, waiting = schedule.account, schedule.waiting
    if _must_park(account, event) and _has_room(waiting, event, policy):
        return Park(now.replace(microsecond=0) + policy.park_for)
    at = instant_of(event.time, now, account.decided_at)
    due_at = _first_due_at(schedule)
    if waiting.has_deferred or (due_at is not None and due_at <= at):
        return _DEFER
    return _decision(account, event, at)


def next_step(
    schedule: Schedule[EventT], *, now: datetime, read_to: datetime | None = None
) -> RunTimer | RefuseOverdue | Decide | Refuse | NothingDue:
    """What happens next to an account up to `now` (UTC); `Decide` and `Refuse` mean the earliest deferred event.

    A timer and the end of a wait go before an event that is decided at the same instant (R4). What is due after
    `read_to` does not happen yet: up to that instant (UTC) the inputs are read; None for `now`.
    """
    account, timer = schedule.account, schedule.timer
    limit = read_to or now
    event = schedule.waiting.earliest_deferred
    horizon = now if event is None else instant_of(event.time, now, account.decided_at)
    if timer is not None and timer.at <= horizon:
        return RunTimer(timer) if timer.at <= limit else _NOTHING_DUE
    deadline = _deadline(schedule)
    if deadline is not None and deadline <= horizon:
        return RefuseOverdue(max(deadline, account.decided_at or deadline)) if deadline <= limit else _NOTHING_DUE
    return _NOTHING_DUE if event is None else _decision(account, event, horizon)


def next_due_at(schedule: Schedule[EventT], now: datetime) -> datetime | None:
    """When `next_step` must be called again (UTC): at once while an event is deferred; None: not before an event."""
    due_at = _first_due_at(schedule)
    if not schedule.waiting.has_deferred:
        return due_at
    return now if due_at is None else min(now, due_at)


def _must_park(account: Account, event: WaitingEvent) -> bool:
    return account.subscription is None and event.needs_purchase


def _has_room(waiting: WaitingEvents[EventT], event: EventT, policy: Policy) -> bool:
    """One account may park so many events and bytes, and no more."""
    return waiting.parked < policy.park_limit and waiting.parked_bytes + event.size <= policy.park_limit_bytes


def _decision(account: Account, event: WaitingEvent, at: datetime) -> Decide | Refuse:
    return Refuse(at) if _must_park(account, event) else Decide(at)


def _deadline(schedule: Schedule[EventT]) -> datetime | None:
    """The end of the first wait; once the account is known its parked events have gone on."""
    return schedule.waiting.first_deadline if schedule.account.subscription is None else None


def _first_due_at(schedule: Schedule[EventT]) -> datetime | None:
    """The next timer, or for an account that is not known, which has no timers, the end of the first wait."""
    return schedule.timer.at if schedule.timer is not None else _deadline(schedule)
