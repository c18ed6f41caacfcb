"""Operations side by side: the first that ends decides how all of them end."""

import asyncio

import pytest

from shared.runtime.errors import Alarm, Transient
from shared.runtime.tasks import run_until_one_ends


class Endless:
    """An operation that only a cancellation ends; it may raise while it is cancelled."""

    def __init__(self, at_the_end: Exception | None = None) -> None:
        self.cancelled = False
        self._at_the_end = at_the_end

    async def run(self) -> None:
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


async def test_what_the_first_one_raised_is_raised_as_it_is() -> None:
    other = Endless(Transient("Kafka: connection lost"))
    with pytest.raises(Alarm, match="the topic lost records"):
        await run_until_one_ends(other.run, raise_alarm)
    assert other.cancelled


async def test_an_error_of_one_that_is_cancelled_does_not_replace_the_return_of_the_first() -> None:
    await run_until_one_ends(Endless(Transient("Kafka: connection lost")).run, return_at_once)


async def test_a_cancellation_from_outside_is_not_swallowed_though_an_operation_raises_meanwhile() -> None:
    running = asyncio.create_task(run_until_one_ends(Endless(Transient("Kafka: connection lost")).run))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
