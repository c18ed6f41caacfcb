"""Broker, database and mail relay each away for a minute while events flow: both services wait, say so, catch up."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.flow import each_event_counted_once, feed, nothing_lost_or_doubled
from tests.kit.stack import RunningStack, running_stack

AWAY_SECONDS = 60


async def _take_away(stack: RunningStack, part: str) -> None:
    async with stack.suspended(part):
        await asyncio.sleep(AWAY_SECONDS)
        assert not await stack.is_ready("notifier")
        if part != "mail":
            assert not await stack.is_ready("subscription")


@pytest.mark.faults
@pytest.mark.rule("G5")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["kafka", "postgres", "mail"])
async def test_nothing_is_lost_while_a_part_stands_still_for_a_minute(part: str, tmp_path: Path) -> None:
    events = 600
    async with running_stack(tmp_path) as stack:
        await asyncio.gather(feed(stack, events, per_second=10), _take_away(stack, part))
        await stack.until_ready()
        await nothing_lost_or_doubled(stack, events)
        await each_event_counted_once(stack, events)
