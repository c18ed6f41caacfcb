"""Many small steps of computing, between which the event loop may run other tasks (HTTP, the next batch's records)."""

import asyncio
from collections.abc import Iterable
from typing import Final, TypeVar

_STEPS_AT_ONCE: Final = 100
"""About 5 ms of computing."""

T = TypeVar("T")


async def with_pauses(steps: Iterable[T]) -> list[T]:
    """What the iterable yields, in order, with a pause after every 100."""
    results = []
    for number, result in enumerate(steps, start=1):
        results.append(result)
        if number % _STEPS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return results
