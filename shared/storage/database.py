"""The engine, and the one `transaction()` in which everything happens.

Every connection works in its service's schema. A database that is away, full or shutting down raises
`Transient`; everything else passes through as it is.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.runtime.errors import Transient

Engine: TypeAlias = AsyncEngine
"""The pool of connections of one process; made by `connect`."""
Connection: TypeAlias = AsyncConnection
"""A connection inside `transaction`. Modules outside of `storage` pass it on and never execute SQL with it."""

# SQLSTATE classes and codes that say "not now": connection, login (a password may be changing), serialization and
# deadlock, resources (disk full, memory, connections), operator intervention, system error, lock not available,
# read-only, no such database (yet).
_NOT_NOW = ("08", "28", "40", "53", "57", "58")
_NOT_NOW_CODES = ("55P03", "25006", "3D000")

_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

# A database that stands still takes connections and answers nothing: no statement of ours takes so long otherwise.
_STATEMENT_SECONDS = 15


def connect(url: str, schema: str, *, pool_size: int = 8) -> Engine:
    """An engine whose connections live in `schema`; nothing is connected yet."""
    server_settings = {"search_path": schema, "application_name": f"tenure-{schema}", "jit": "off"}
    opened = partial(
        asyncpg.connect, _plain(url), timeout=5, command_timeout=_STATEMENT_SECONDS, server_settings=server_settings
    )
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=opened,
        pool_size=pool_size,
        max_overflow=8,
        pool_pre_ping=False,
        pool_timeout=10,
        hide_parameters=True,
    )


@asynccontextmanager
async def transaction(engine: Engine) -> AsyncIterator[Connection]:
    """All or nothing. Raises `Transient` when the database is away."""
    with away_is_transient():
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def snapshot(engine: Engine) -> AsyncIterator[Connection]:
    """A transaction that only reads, and sees everything as at its first statement. Raises `Transient`."""
    async with transaction(engine) as connection:
        await connection.execute(_SNAPSHOT)
        yield connection


@asynccontextmanager
async def session_connection(url: str, schema: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection of its own, for what lives as long as a session: advisory locks and LISTEN."""
    with away_is_transient():
        connection = await asyncpg.connect(
            _plain(url), timeout=5, server_settings={"search_path": schema, "application_name": f"tenure-{schema}-lock"}
        )
        try:
            yield connection
        finally:
            connection.terminate()  # at once, also when cancelled; the server lets go of the session's locks


def driver(connection: AsyncConnection) -> Any:
    """The bare asyncpg connection below this one, in the same transaction: for COPY."""
    raw: Any = connection.sync_connection
    return raw.connection.driver_connection


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Turn the many ways of being away into `Transient`."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, InterfaceError) or error.connection_invalidated or _not_now(error.orig):
            raise Transient(f"PostgreSQL: {type(error.orig).__name__}: {error.orig}") from error
        raise
    except (asyncpg.InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
        raise Transient(f"PostgreSQL: {error!r}") from error
    except asyncpg.PostgresError as error:
        if _not_now(error):
            raise Transient(f"PostgreSQL: {error!r}") from error
        raise


def _not_now(error: BaseException | None) -> bool:
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    cause = getattr(error, "__cause__", None)
    away = isinstance(error, OSError) or isinstance(cause, OSError | asyncpg.PostgresConnectionError)
    # A newer copy has migrated the tables; the driver forgets its old plans, and the next try makes new ones.
    stale = isinstance(cause, asyncpg.InvalidCachedStatementError)
    return away or stale or state.startswith(_NOT_NOW) or state in _NOT_NOW_CODES


def _plain(url: str) -> str:
    """As libpq and asyncpg take it, also where it names a driver of SQLAlchemy, or its `ssl`."""
    parts = urlsplit(url)
    options = {"sslmode" if name == "ssl" else name: value for name, value in parse_qsl(parts.query)}
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
