"""Both services and the broker are killed while events flow: nothing is lost, nothing is doubled.

The short one runs with every `make test`; the long one is `make faults`.
"""

import asyncio
from pathlib import Path

import pytest

from tests.faults.flow import EVENTS_AN_ACCOUNT, SAID_AN_ACCOUNT, Running, accounted, feed, mails, read_lifecycle, stack

MOST_UNDER_WAY = 32


async def _kill_services(running: Running, times: int, pause: float) -> None:
    for _ in range(times):
        await asyncio.sleep(pause)
        running.kill("subscription")
        running.kill("notifier")


async def _kill_broker(running: Running, times: int, pause: float) -> None:
    for _ in range(times):
        await asyncio.sleep(pause)
        running.kill("kafka")


async def _hold(running: Running, events: int, records: int, kills: int) -> None:
    """G1 to G4, from what the topics, the mail server and the metrics show."""
    said = events // EVENTS_AN_ACCOUNT * SAID_AN_ACCOUNT
    seen = await read_lifecycle(running, said, seconds=180)
    assert seen.count == said
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.sequences.values())
    assert all(versions == [1, 2] for versions in seen.versions.values())
    ids = await mails(running, said, seconds=300)
    assert len(set(ids)) == said
    assert len(ids) - said <= kills * MOST_UNDER_WAY
    sums = await accounted(running)
    assert sum(sums.values()) >= records


@pytest.mark.rule("G1", "G2", "G3", "G4")
@pytest.mark.timeout(240)
async def test_services_killed_twice_each_lose_and_double_nothing(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        sent, _ = await asyncio.gather(feed(running, 500, a_second=120), _kill_services(running, 2, 2.0))
        await _hold(running, 500, sent, 2)


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G3", "G4", "G5")
@pytest.mark.timeout(1500)
async def test_services_killed_twenty_times_and_the_broker_three_times(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        sent, _, _ = await asyncio.gather(
            feed(running, 5000, a_second=120), _kill_services(running, 20, 2.5), _kill_broker(running, 3, 14.0)
        )
        await _hold(running, 5000, sent, 20)
