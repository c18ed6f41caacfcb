"""Results are recorded together: how long the first of them waits for others."""

import asyncio

from notifier_service.delivery.gathering import gathered

LONG = 60.0


def queue_of(*items: int) -> "asyncio.Queue[int]":
    queue: asyncio.Queue[int] = asyncio.Queue()
    for item in items:
        queue.put_nowait(item)
    return queue


async def test_one_that_is_enough_waits_for_no_other() -> None:
    assert await gathered(queue_of(1), enough=lambda: 1, seconds=LONG) == [1]


async def test_what_is_there_already_is_taken_though_less_were_enough() -> None:
    assert await gathered(queue_of(1, 2, 3), enough=lambda: 1, seconds=LONG) == [1, 2, 3]


async def test_what_comes_meanwhile_is_taken_until_there_are_enough() -> None:
    queue = queue_of(1)
    taken = asyncio.create_task(gathered(queue, enough=lambda: 2, seconds=LONG))
    await asyncio.sleep(0)
    queue.put_nowait(2)
    assert await taken == [1, 2]


async def test_when_the_time_is_over_what_has_come_is_taken_and_the_next_one_is_kept() -> None:
    queue = queue_of(1)
    assert await gathered(queue, enough=lambda: 2, seconds=0.01) == [1]
    queue.put_nowait(2)
    assert await gathered(queue, enough=lambda: 1, seconds=LONG) == [2]
