"""A database session of its own, for what lives as long as a session: advisory locks and LISTEN.

Invariant: `SESSION_SECONDS` after its process was last heard of the session is over and its locks are free. PostgreSQL
sees to that (`idle_session_timeout`), also where the process hangs or its machine is gone. `keep` says that it lives.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from shared.runtime.errors import Transient
from shared.runtime.retry import wait_for_event
from shared.storage.database import CONNECT_SECONDS, IDLE_TRANSACTION_SECONDS, LOCK_SECONDS, TCP_SETTINGS, plain
from shared.storage.errors import classified

SESSION_SECONDS: Final = 5
"""After so long without a statement PostgreSQL ends the session."""
_HEARTBEAT_SECONDS: Final = 1

# Limits of PostgreSQL do not reach a session that waits for its client in the middle of a statement (COPY, or a result
# that nobody fetches). It holds locks, so whoever lives ends it.
_HEARTBEAT: Final = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename = current_user AND application_name = $1 AND state = 'active' AND wait_event_type = 'Client'"
    " AND query_start < clock_timestamp() - make_interval(secs => $2)"
)


class Session:
    """One connection, used by one task at a time.

    `confirmed_at`: when the last statement that was answered was sent, on the monotonic clock; the session lived then.
    """

    def __init__(self, connection: asyncpg.Connection, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self.confirmed_at = time.monotonic()
        self._lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: self._lost.set())

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        """Execute; the first value of the first row. Raises `Transient`."""
        sent_at = time.monotonic()
        with classified():
            value = await self._connection.fetchval(statement, *arguments)
        self.confirmed_at = sent_at
        return value

    async def listen(self, channel: str, receive: Callable[[str], None]) -> None:
        """Call `receive` with the channel's name at each NOTIFY. Raises `Transient`."""
        with classified():
            await self._connection.add_listener(channel, lambda _connection, _pid, name, _payload: receive(name))

    async def keep(self, seconds: float = _HEARTBEAT_SECONDS) -> None:
        """Say every so many seconds that this process lives, until the session is lost. Raises `Transient`, always."""
        while not self._connection.is_closed():
            await self.fetchval(_HEARTBEAT, f"tenure-{self._schema}", float(IDLE_TRANSACTION_SECONDS))
            await wait_for_event(self._lost, seconds)
        raise Transient("PostgreSQL: the session was lost")


@asynccontextmanager
async def session_connection(url: str, schema: str) -> AsyncIterator[Session]:
    """Open a session; it is closed at once afterwards, also when cancelled. Raises `Transient`."""
    with classified():
        connection = await asyncpg.connect(
            plain(url),
            timeout=CONNECT_SECONDS,
            command_timeout=SESSION_SECONDS,
            server_settings={
                "search_path": schema,
                "application_name": f"tenure-{schema}-lock",
                "idle_session_timeout": f"{SESSION_SECONDS}s",
                "lock_timeout": f"{LOCK_SECONDS}s",
                **TCP_SETTINGS,
            },
        )
        try:
            yield Session(connection, schema)
        finally:
            connection.terminate()
