"""Waiting for something that comes by itself, with a deadline instead of a sleep of fixed length."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds after which a test gives up waiting."""
_POLL_SECONDS: Final = 0.05


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """Call `look` again and again until its result is truthy, and return that. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(_POLL_SECONDS)
        return found
