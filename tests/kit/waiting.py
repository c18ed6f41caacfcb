"""Waiting for something that comes by itself, with a deadline instead of a sleep of fixed length."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds after which a test gives up waiting."""
BUSY: Final = 6.0
"""Seconds that a busy machine may add to a limit of ours, and less than what the limit keeps away."""
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 3


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """Call `look` again and again until its result is truthy, and return that. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(_POLL_SECONDS)
        return found


async def least(measure: Callable[[], Awaitable[float]], enough: float) -> float:
    """The first measurement below `enough`, or the least of three: a busy machine stops for seconds now and then."""
    found = await measure()
    for _ in range(_ATTEMPTS - 1):
        if found >= enough:
            found = min(found, await measure())
    return found
