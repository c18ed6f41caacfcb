"""As many events as an account may park, on a real database: all are decided, and others go on meanwhile."""

from datetime import timedelta
from typing import Final

import pytest

from shared.contracts.inbound import InboundData
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.scenario import (
    RULES,
    bound,
    credit,
    purchase,
    renewal,
    specification,
    when,
)

NOON: Final = when("2026-01-15 12:00")
LIMIT: Final = RULES.policy.park_limit
BATCH: Final = 2_000
LONGEST_PAUSE: Final = 1.0
"""Seconds: a neighbour's event has to be decided within this time."""


def batches(*commands: InboundData, first: int = 0) -> list[Batch]:
    events = [record(*event(first + number, NOON, command)) for number, command in enumerate(commands)]
    return [Batch(NOON, events[start : start + BATCH]) for start in range(0, len(events), BATCH)]


@pytest.mark.rule("R40", "G4")
def test_a_purchase_lets_as_many_go_as_may_wait_and_the_event_loop_goes_on(core: Core) -> None:
    core.begin()
    core.receive(*batches(*[bound(f"s-{number}") for number in range(LIMIT + 1)]))
    assert core.counted() == {"parked": LIMIT, "rejected": 1}
    large = purchase(specification=specification(mode="partial", servers=LIMIT, cores=LIMIT))
    core.receive(*batches(large, first=LIMIT + 1))
    assert core.counted() == {"parked": 0, "rejected": 1, "applied": LIMIT + 1}
    assert core.longest_pause < LONGEST_PAUSE
    assert core.differences() == []


@pytest.mark.rule("R40", "G4")
def test_as_many_as_may_wait_are_refused_when_their_time_is_over(core: Core) -> None:
    core.begin()
    core.receive(*batches(*[bound(f"s-{number}") for number in range(LIMIT)]))
    core.receive(Batch(NOON + timedelta(minutes=15), ()))
    assert core.counted() == {"parked": 0, "rejected": LIMIT}
    assert core.longest_pause < LONGEST_PAUSE


@pytest.mark.rule("R4", "R40", "G4")
def test_what_waits_is_counted_where_it_is_not_read(core: Core) -> None:
    """Each event in a batch of its own, so that those before it are in storage."""
    core.begin()
    arrivals: list[InboundData] = [bound("s-1"), renewal("r-1"), credit("5.00"), bound("s-2")]
    for number, command in enumerate(arrivals):
        core.receive(*batches(command, first=number))
    assert core.counted() == {"parked": 3, "applied": 1}
    core.receive(Batch(NOON + timedelta(minutes=14), ()))
    partial = specification(mode="partial")
    core.receive(*batches(purchase(specification=partial), first=4))
    assert core.counted() == {"parked": 0, "applied": 5}
    assert core.differences() == []
