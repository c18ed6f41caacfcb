"""One call under way at a time: whoever asks meanwhile gets the same result.

For what is slow or may hang (the database, an issuer of keys): any number of callers causes one call, and none waits
longer than it wants to.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls `operation`, at most one call at a time, all in one event loop."""

    def __init__(self, operation: Callable[[], Awaitable[T]]) -> None:
        self._operation = operation
        self._call: asyncio.Future[T] | None = None

    async def result(self, seconds: float | None = None) -> T:
        """The result, or the exception, of the call that is under way or else of a new one.

        Raises `TimeoutError` after `seconds`, where they are given; the call goes on, and later callers may still get
        its result.
        """
        call = self.start()
        async with asyncio.timeout(seconds):
            return await asyncio.shield(call)

    def start(self) -> "asyncio.Future[T]":
        """The call that is under way, or else a new one, without waiting for it."""
        if self._call is None or self._call.done():
            self._call = asyncio.ensure_future(self._operation())
            self._call.add_done_callback(_mark_retrieved)
        return self._call


def _mark_retrieved(call: "asyncio.Future[T]") -> None:
    """asyncio logs errors that nobody has asked for; here every caller may have left before."""
    if not call.cancelled():
        call.exception()
