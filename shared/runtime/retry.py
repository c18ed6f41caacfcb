"""Growing, jittered waits for whatever is away: never skip, never spin (G5)."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from shared.runtime.errors import Transient
from shared.runtime.health import Health

T = TypeVar("T")

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0

logger = logging.getLogger(__name__)


def growing() -> Iterator[float]:
    """Seconds to wait: 0.1, 0.2, 0.4 ... 5, each ± 20 %, for ever."""
    seconds = _FIRST_SECONDS
    while True:
        yield seconds * random.uniform(0.8, 1.2)
        seconds = min(seconds * 2, _LONGEST_SECONDS)


async def woken(bell: asyncio.Event, seconds: float) -> bool:
    """Whether `bell` rang before `seconds` were over. Unlike `asyncio.wait_for`, never swallows a cancellation."""
    try:
        async with asyncio.timeout(seconds):
            return await bell.wait()
    except TimeoutError:
        return False


async def until_done(act: Callable[[], Awaitable[T]], *, health: Health, part: str) -> T:
    """Do `act` until it does not raise `Transient`; say meanwhile in `health` why not."""
    for seconds in growing():
        try:
            result = await act()
        except Transient as away:
            logger.warning("%s waits %.1f s: %s", part, seconds, away)
            health.trouble(part, str(away))
            await asyncio.sleep(seconds)
        else:
            health.well(part)
            return result
    raise AssertionError("growing() never ends")
