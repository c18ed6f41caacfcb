"""Broker, database and mail relay each away for a minute while events flow: both services wait, say so, catch up."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.flow import Running, all_ready, feed, nothing_lost_or_doubled, stack

AWAY_SECONDS = 60


async def _take_away(running: Running, part: str) -> None:
    async with running.away(part):
        await asyncio.sleep(AWAY_SECONDS)
        assert not await running.is_ready("notifier")
        if part != "mail":
            assert not await running.is_ready("subscription")


@pytest.mark.faults
@pytest.mark.rule("G5")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["kafka", "postgres", "mail"])
async def test_nothing_is_lost_while_a_part_stands_still_for_a_minute(part: str, tmp_path: Path) -> None:
    events = 600
    async with stack(tmp_path) as running:
        await asyncio.gather(feed(running, events, a_second=10), _take_away(running, part))
        await all_ready(running)
        await nothing_lost_or_doubled(running, events)
