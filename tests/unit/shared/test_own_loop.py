"""An operation in an event loop of its own: its end, its errors, and its cancellation from here."""

import asyncio
import threading
import time

import pytest

from shared.runtime.errors import Alarm
from shared.runtime.own_loop import run_in_own_loop
from tests.kit.waiting import least


async def test_it_runs_in_another_thread_and_loop_until_it_returns() -> None:
    seen: list[object] = []

    async def operation() -> None:
        await asyncio.sleep(0)
        seen.extend([threading.current_thread(), asyncio.get_running_loop()])

    await run_in_own_loop(operation)
    assert seen[0] is not threading.current_thread()
    assert seen[1] is not asyncio.get_running_loop()
    assert type(seen[1]) is type(asyncio.get_running_loop())


async def test_what_it_raises_is_raised_here() -> None:
    async def operation() -> None:
        raise Alarm("a person must look")

    with pytest.raises(Alarm, match="a person must look"):
        await run_in_own_loop(operation)


async def test_a_cancellation_here_cancels_it_there_and_waits_for_its_end() -> None:
    ended = threading.Event()
    under_way = threading.Event()

    async def operation() -> None:
        under_way.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            ended.set()

    task = asyncio.ensure_future(run_in_own_loop(operation))
    await asyncio.to_thread(under_way.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_cancellation_before_it_has_begun_ends_it_as_well() -> None:
    task = asyncio.ensure_future(run_in_own_loop(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.slow
async def test_a_long_computation_there_delays_nothing_here_for_long() -> None:
    async def computes() -> None:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            sum(range(1000))

    async def longest_pause() -> float:
        worst = 0.0
        running = asyncio.ensure_future(run_in_own_loop(computes))
        while not running.done():
            began = time.monotonic()
            await asyncio.sleep(0)
            worst = max(worst, time.monotonic() - began)
        return worst

    assert await least(longest_pause, 1) < 1
