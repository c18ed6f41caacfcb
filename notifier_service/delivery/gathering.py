"""Gathering what comes in one by one, so that it costs one transaction instead of many."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def gathered(queue: "asyncio.Queue[T]", *, enough: Callable[[], int], seconds: float) -> list[T]:
    """The next of the queue, and what comes within `seconds` of it, or until there are `enough`.

    What is in the queue already is taken in any case. Nothing is lost where the caller is cancelled while waiting for
    the first one.
    """
    found = [await queue.get()]
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while len(found) < enough():
                found.append(await queue.get())
    while not queue.empty():
        found.append(queue.get_nowait())
    return found
