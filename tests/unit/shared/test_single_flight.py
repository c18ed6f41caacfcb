"""One call at a time, whose result everybody gets who asks meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.runtime.errors import Transient
from shared.runtime.single_flight import SingleFlight


class Counted:
    """An operation that ends when it is told to, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.goes_on = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        await self.goes_on.wait()
        return self.calls


async def test_all_who_ask_while_a_call_is_under_way_get_its_result() -> None:
    operation = Counted()
    flight = SingleFlight(operation)
    asking = [asyncio.ensure_future(flight.result(5)) for _ in range(10)]
    await asyncio.sleep(0)
    operation.goes_on.set()
    assert await asyncio.gather(*asking) == [1] * 10
    assert await flight.result() == 2


async def test_who_has_waited_long_enough_leaves_and_the_call_goes_on() -> None:
    operation = Counted()
    flight = SingleFlight(operation)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await flight.result(0.01)
    operation.goes_on.set()
    assert await flight.result(5) == 1


async def test_who_is_cancelled_takes_nothing_from_the_others() -> None:
    operation = Counted()
    flight = SingleFlight(operation)
    one, other = (asyncio.ensure_future(flight.result(5)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    operation.goes_on.set()
    assert await other == 1
    assert one.cancelled()


def failing(error: Exception) -> Callable[[], Awaitable[None]]:
    async def operation() -> None:
        await asyncio.sleep(0.02)
        raise error

    return operation


async def test_an_error_reaches_all_who_ask_and_nobody_complains_when_all_have_left() -> None:
    flight = SingleFlight(failing(Transient("away")))
    found = await asyncio.gather(flight.result(), flight.result(), return_exceptions=True)
    assert [str(each) for each in found] == ["away", "away"]
    with pytest.raises(TimeoutError):
        await flight.result(0.001)
    await asyncio.sleep(0.05)
