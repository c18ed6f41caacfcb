"""Both services and the broker are killed while events flow: nothing is lost, nothing is doubled.

The short one runs with every `make test`; the long one is `make faults`.
"""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from tests.faults.flow import each_event_counted_once, feed, last_states_arrived, nothing_lost_or_doubled
from tests.kit.stack import RunningStack, running_stack

DELIVERIES_AT_ONCE: Final = 32
"""So many mails may be under way in the notifier; each may be sent twice when it is killed (G3)."""


async def _kill_services(stack: RunningStack, times: int, pause: float) -> None:
    for _ in range(times):
        await asyncio.sleep(pause)
        stack.kill("subscription")
        stack.kill("notifier")


async def _kill_broker(stack: RunningStack, times: int, pause: float) -> None:
    for _ in range(times):
        await asyncio.sleep(pause)
        stack.kill("kafka")


async def _exactly_once(stack: RunningStack, count: int, kills: int) -> None:
    """G1 to G4, from what the topics, the mail server and the metrics show."""
    ids = await nothing_lost_or_doubled(stack, count, seconds=180, mails_seconds=300)
    assert len(ids) - len(set(ids)) <= kills * DELIVERIES_AT_ONCE
    await stack.until_ready()
    await each_event_counted_once(stack, count)
    await last_states_arrived(stack)


@pytest.mark.rule("G1", "G2", "G3", "G4")
@pytest.mark.timeout(240)
async def test_services_killed_twice_each_lose_and_double_nothing(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await asyncio.gather(feed(stack, 500, per_second=120), _kill_services(stack, 2, 2.0))
        await _exactly_once(stack, 500, 2)


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G3", "G4", "G5")
@pytest.mark.timeout(1500)
async def test_services_killed_twenty_times_and_the_broker_three_times(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await asyncio.gather(
            feed(stack, 5000, per_second=120), _kill_services(stack, 20, 2.5), _kill_broker(stack, 3, 14.0)
        )
        await _exactly_once(stack, 5000, 20)
