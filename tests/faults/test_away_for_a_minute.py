"""Broker, database and mail relay each away for a minute while events flow: both services wait, say so, catch up."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.flow import EVENTS_AN_ACCOUNT, SAID_AN_ACCOUNT, Running, feed, mails, read_lifecycle, stack

AWAY_SECONDS = 60


async def _take_away(running: Running, part: str) -> None:
    async with running.away(part):
        await asyncio.sleep(AWAY_SECONDS)
        assert not await running.is_ready("notifier")
        if part != "mail":
            assert not await running.is_ready("subscription")


async def _all_ready(running: Running) -> None:
    async with asyncio.timeout(90):
        while not (await running.is_ready("subscription") and await running.is_ready("notifier")):
            await asyncio.sleep(0.5)


@pytest.mark.faults
@pytest.mark.rule("G5")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["kafka", "postgres", "mail"])
async def test_nothing_is_lost_while_a_part_stands_still_for_a_minute(part: str, tmp_path: Path) -> None:
    events = 600
    said = events // EVENTS_AN_ACCOUNT * SAID_AN_ACCOUNT
    async with stack(tmp_path) as running:
        await asyncio.gather(feed(running, events, a_second=10), _take_away(running, part))
        await _all_ready(running)
        seen = await read_lifecycle(running, said, seconds=120)
        assert seen.count == said
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.sequences.values())
        assert len(set(await mails(running, said, seconds=180))) == said
