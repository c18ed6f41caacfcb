"""Operations side by side: none outlives the others, and the first error is raised as it is."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from shared.runtime.errors import Alarm, Transient
from shared.runtime.tasks import run_all, run_until_one_ends


class Endless:
    """An operation that only a cancellation ends; it may raise while it is cancelled."""

    def __init__(self, at_the_end: Exception | None = None) -> None:
        self.started = asyncio.Event()
        self.cancelled = False
        self._at_the_end = at_the_end

    async def run(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True
            if self._at_the_end:
                raise self._at_the_end


async def return_at_once() -> None:
    await asyncio.sleep(0)


async def raise_alarm() -> None:
    raise Alarm("the topic lost records")


async def test_when_one_returns_the_others_are_cancelled_and_waited_for() -> None:
    other = Endless()
    await run_until_one_ends(other.run, return_at_once)
    assert other.cancelled


async def test_all_are_run_until_each_has_returned() -> None:
    done: list[str] = []
    first_may_go = asyncio.Event()

    async def first() -> None:
        await first_may_go.wait()
        done.append("first")

    async def second() -> None:
        done.append("second")
        first_may_go.set()

    await run_all(first, second)
    assert done == ["second", "first"]
    await run_all()


@pytest.mark.parametrize("run", [run_all, run_until_one_ends])
async def test_what_the_first_one_raised_is_raised_as_it_is(run: Callable[..., Awaitable[None]]) -> None:
    other = Endless(Transient("Kafka: connection lost"))
    with pytest.raises(Alarm, match="the topic lost records"):
        await run(other.run, raise_alarm)
    assert other.cancelled


async def test_an_error_of_one_that_is_cancelled_does_not_replace_the_return_of_the_first() -> None:
    await run_until_one_ends(Endless(Transient("Kafka: connection lost")).run, return_at_once)


@pytest.mark.parametrize("run", [run_all, run_until_one_ends])
@pytest.mark.parametrize("at_the_end", [None, Transient("Kafka: connection lost")])
async def test_a_cancellation_from_outside_is_not_swallowed_though_an_operation_raises_meanwhile(
    run: Callable[..., Coroutine[Any, Any, None]], at_the_end: Exception | None
) -> None:
    other = Endless(at_the_end)
    running = asyncio.create_task(run(other.run))
    await other.started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert other.cancelled


async def test_an_error_leaves_no_cancellation_pending() -> None:
    with pytest.raises(Alarm):
        await run_all(Endless().run, raise_alarm)
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0
