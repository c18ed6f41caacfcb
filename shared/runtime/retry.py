"""Waiting for whatever is away: retries with growing, jittered delays, and a wait for an event with a time limit.

Invariant: only `Transient` is retried; nothing is skipped, and no loop runs without a pause (G5).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from shared.runtime.errors import Transient
from shared.runtime.health import Health

T = TypeVar("T")

_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 5.0


def backoff_delays() -> Iterator[float]:
    """Seconds to wait before each retry, without end: 0.1, 0.2, 0.4 … 5, each ± 20 %."""
    seconds = _FIRST_SECONDS
    while True:
        yield seconds * random.uniform(0.8, 1.2)
        seconds = min(seconds * 2, _LONGEST_SECONDS)


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most `seconds`; returns whether it was set.

    Unlike `asyncio.wait_for` in Python 3.11, it never swallows a cancellation.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def retry_transient(operation: Callable[[], Awaitable[T]], *, health: Health, component: str) -> T:
    """The result of `operation`, which is called again until it does not raise `Transient`.

    Between the calls `component` is not ready in `health`, with the error's text as the reason; so the log tells the
    wait. Any other exception is passed on.
    """
    for seconds in backoff_delays():
        try:
            result = await operation()
        except Transient as error:
            health.mark_unready(component, str(error))
            await asyncio.sleep(seconds)
        else:
            health.mark_ready(component)
            return result
    raise AssertionError("backoff_delays() never ends")
