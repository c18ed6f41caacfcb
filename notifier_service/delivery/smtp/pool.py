"""The connections to the relay: each carries one mail at a time; mails wait for one in the order of their coming.

A mail gets an idle connection, or waits while one more is opened, and takes whichever is free first. One connection is
opened at a time, so that a relay that takes few refuses few (`limit`). A connection on which the relay is silent for
`HANGING_SECONDS` does not count, so that mails at which the relay hangs do not hold up the others.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from notifier_service.delivery.smtp.connection import Connection
from notifier_service.delivery.smtp.limit import ConnectionLimit
from notifier_service.delivery.smtp.unreachable import RelayUnreachable

HANGING_SECONDS: Final = 3.0
_WORKING_SECONDS: Final = 10.0
"""A relay that has replied on some connection so recently is not away when it refuses one more."""
_RECHECK_SECONDS: Final = 0.5


class ConnectionPool:
    """`open_connection` makes one that is ready for mails, or raises `RelayUnreachable`."""

    def __init__(self, open_connection: Callable[[], Awaitable[Connection]], *, most: int) -> None:
        """`most`: connections that are kept, and that are open without hanging."""
        self._open_connection = open_connection
        self._most = most
        self._limit = ConnectionLimit()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._opening: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def replied_at(self) -> float:
        """When the relay last replied on a connection that is open, on the monotonic clock; 0 when none is open."""
        return max((connection.replied_at for connection in (*self._idle, *self._busy)), default=0.0)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one mail; closed when the block raises. Raises `RelayUnreachable`."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            self._give_back(connection)

    async def stop(self) -> list[Connection]:
        """Open no more connections; the idle ones, to be closed. One in use is closed when it is given back."""
        self._stopped = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        idle, self._idle = self._idle, []
        return idle

    async def _take(self) -> Connection:
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            while not waiter.done():
                self._serve()
                await asyncio.wait([waiter], timeout=_RECHECK_SECONDS)
            return waiter.result()
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())
            raise
        finally:
            waiter.cancel()

    def _give_back(self, connection: Connection) -> None:
        self._busy.discard(connection)
        connection.kept = True
        if connection.usable and len(self._idle) < self._most and not self._stopped:
            self._idle.append(connection)
        else:
            connection.close()
        self._serve()

    def _serve(self) -> None:
        """Give idle connections to those who wait longest; open one more where that is not enough."""
        if self._stopped:
            return
        while self._idle and self._next_waiting():
            connection = self._idle.pop()
            if connection.usable:
                self._busy.add(connection)
                self._waiting.popleft().set_result(connection)
            else:
                connection.close()
        if self._next_waiting() and self._opening is None and self._may_open():
            self._opening = asyncio.create_task(self._open())

    def _next_waiting(self) -> bool:
        """Whether anybody waits; those who have given up are forgotten."""
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    def _may_open(self) -> bool:
        now = time.monotonic()
        hanging = sum(_hangs(connection, now) for connection in self._busy)
        return len(self._busy) - hanging < self._most and len(self._busy) < self._limit.value(now)

    async def _open(self) -> None:
        try:
            self._idle.append(await self._open_connection())
        except RelayUnreachable as unreachable:
            self._refused(unreachable)
        except Exception as error:  # noqa: BLE001 - whoever waits must not wait for ever
            self._fail_waiting(error)
        finally:
            self._opening = None
        self._serve()

    def _refused(self, unreachable: RelayUnreachable) -> None:
        """The relay has enough connections where it replies on others; else nobody who waits will get one."""
        now = time.monotonic()
        if now - self.replied_at < _WORKING_SECONDS:
            self._limit.refused(len(self._busy) + len(self._idle), now)
        else:
            self._fail_waiting(unreachable)

    def _fail_waiting(self, error: Exception) -> None:
        while self._next_waiting():
            self._waiting.popleft().set_exception(error)


def _hangs(connection: Connection, now: float) -> bool:
    return connection.waits_since is not None and now - connection.waits_since > HANGING_SECONDS
