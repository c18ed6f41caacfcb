"""Which copy holds what in PostgreSQL, and stopping that very process (SIGSTOP) for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import psutil

from tests.kit.stack import RunningStack
from tests.kit.waiting import eventually

LEADER: Final = (
    "SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
    " AND application_name = 'tenure-subscription-lock'"
)
"""The client's port of the session that holds the leadership of the subscription service."""
BLOCKED_BY_ME: Final = (
    "SELECT client_port FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    " AND application_name = 'tenure-subscription' LIMIT 1"
)
"""The client's port of a session that waits for a lock of this one."""


@asynccontextmanager
async def database(stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.ready["database_url"])
    try:
        yield connection
    finally:
        await connection.close()


async def process_of(stack: RunningStack, connection: asyncpg.Connection, query: str) -> psutil.Process:
    """The copy of the subscription service from whose port this session comes; waits until there is one."""

    async def port() -> Any:
        return await connection.fetchval(query)

    client_port = await eventually(port)
    for pid in stack.ready["pids"]["subscription"]:
        process = psutil.Process(pid)
        if any(each.laddr.port == client_port for each in process.net_connections()):
            return process
    raise AssertionError(f"no copy has port {client_port}")


@asynccontextmanager
async def stopped(process: psutil.Process) -> AsyncIterator[None]:
    """SIGSTOP while the block runs, then SIGCONT."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def seconds_until(look: Any, within: float) -> float:
    """How long it takes until `look` gives something truthy. Raises `TimeoutError`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await eventually(look, within)
    return loop.time() - began
