"""The engine, and the one `transaction()` in which everything happens.

Every connection works in its service's schema and under time limits, so that no lock outlives the process that took
it: the server ends a transaction whose client has fallen silent. A database that is away, full or shutting down raises
`Transient`, a statement over its time `SlowStatement`; which error means what stands in `shared.runtime.error_table`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.runtime.errors import Transient
from shared.storage.errors import classified, is_cancelled, is_spoiled

Engine: TypeAlias = AsyncEngine
"""The pool of connections of one process; made by `connect`."""
Connection: TypeAlias = AsyncConnection
"""A connection inside `transaction`. Modules outside of `storage` pass it on and never execute SQL with it."""

CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 10
"""How long one statement may run; then PostgreSQL ends it (`SlowStatement`)."""
LOCK_SECONDS: Final = 5
"""How long one statement waits for a lock; then it is `Transient`, and `/ready` says so."""
IDLE_TRANSACTION_SECONDS: Final = 10
"""How long a client may be silent inside a transaction; then PostgreSQL ends its session, and its locks are free."""
_ANSWER_SECONDS: Final = 5
"""A database that stands still takes connections and answers nothing: so long after a statement's time it is away."""
TCP_SETTINGS: Final[Mapping[str, str]] = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""The server notices a client whose machine is gone, or which reads nothing any more, after about 10 s."""

_AFTER_COMMIT: Final = "after_commit"
_NOTHING = text("SELECT 1")
_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_STATEMENT_TIMEOUT = text("SELECT set_config('statement_timeout', :limit, true)")


def connect(
    url: str, schema: str, *, pool_size: int = 8, statement_seconds: float | None = STATEMENT_SECONDS
) -> Engine:
    """An engine whose connections live in `schema`; nothing is connected yet.

    `pool_size` connections stay open, under load there are twice as many. Whoever finds none free waits for as long as
    a statement may take. `statement_seconds` of None: as long as it takes, for migrations.
    """
    opened = partial(
        asyncpg.connect,
        plain(url),
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds + _ANSWER_SECONDS if statement_seconds else None,
        server_settings={
            "search_path": schema,
            "application_name": f"tenure-{schema}",
            "default_transaction_isolation": "read committed",
            "jit": "off",
            "statement_timeout": f"{(statement_seconds or 0) * 1000:.0f}ms",
            "lock_timeout": f"{LOCK_SECONDS}s",
            "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
            **TCP_SETTINGS,
        },
    )
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="AUTOCOMMIT",  # `transaction` begins and ends
        async_creator=opened,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        pool_timeout=statement_seconds or STATEMENT_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


@asynccontextmanager
async def transaction(engine: Engine, *, statement_seconds: float | None = None) -> AsyncIterator[Connection]:
    """All or nothing. `statement_seconds`: the limit of its statements, where it is not `STATEMENT_SECONDS`.

    Raises `Transient` when the database is away, and `SlowStatement`.
    """
    with classified():
        async with engine.connect() as connection:
            begun = driver(connection).transaction()
            try:
                await begun.start()
                if statement_seconds is not None:
                    await connection.execute(_STATEMENT_TIMEOUT, {"limit": f"{statement_seconds * 1000:.0f}ms"})
                callbacks = connection.info[_AFTER_COMMIT] = []
                yield connection
                await begun.commit()
            except BaseException as error:
                await _give_up(connection, error, begun)
                raise
            for callback in callbacks:
                callback()


@asynccontextmanager
async def autocommit(engine: Engine) -> AsyncIterator[Connection]:
    """A connection on which each statement is a transaction of its own: a third of the way for what is one statement.

    Raises `Transient` when the database is away, and `SlowStatement`.
    """
    with classified():
        async with engine.connect() as connection:
            connection.info.pop(_AFTER_COMMIT, None)
            try:
                yield connection
            except BaseException as error:
                await _give_up(connection, error)
                raise


def after_commit(connection: Connection, callback: Callable[[], object]) -> None:
    """Run `callback`, which must not fail, once `transaction` is known to be committed; else never."""
    connection.info[_AFTER_COMMIT].append(callback)


@asynccontextmanager
async def snapshot(engine: Engine) -> AsyncIterator[Connection]:
    """A transaction that only reads, and sees everything as at its first statement. Raises `Transient`."""
    async with transaction(engine) as connection:
        await connection.execute(_SNAPSHOT)
        yield connection


async def ping(engine: Engine) -> None:
    """Returns when the database has answered. Raises `Transient`."""
    async with autocommit(engine) as connection:
        await connection.execute(_NOTHING)


def driver(connection: AsyncConnection) -> Any:
    """The bare asyncpg connection below this one, in the same transaction: for `Statement` and COPY."""
    raw: Any = connection.sync_connection
    return raw.connection.driver_connection


def plain(url: str) -> str:
    """As libpq and asyncpg take it, also where it names a driver of SQLAlchemy, or its `ssl`."""
    parts = urlsplit(url)
    options = {"sslmode" if name == "ssl" else name: value for name, value in parse_qsl(parts.query)}
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))


async def _give_up(connection: Connection, error: BaseException, begun: Any = None) -> None:
    """Roll back what has `begun`; or throw the connection away, where nobody knows in what state it is.

    Raises `Transient` where the connection was lost, whatever `error` that has led to.
    """
    if connection.invalidated or connection.closed:
        return
    below, is_usable, lost = driver(connection), False, False
    try:
        is_usable = not is_spoiled(error, below) and (begun is None or await _rolled_back(begun))
        lost = below.is_closed()
    finally:
        if not is_usable:
            below.terminate()  # at once; SQLAlchemy would ask the server first
            await connection.invalidate()
    if lost and isinstance(error, Exception) and not isinstance(error, Transient):
        raise Transient(f"PostgreSQL: the connection was lost: {type(error).__name__}") from error


async def _rolled_back(begun: Any) -> bool:
    """Roll back; whether that has worked. Somebody's cancellation meanwhile is raised."""
    try:
        await begun.rollback()
    except (Exception, asyncio.CancelledError) as error:
        if is_cancelled(error):
            raise
        return False  # the server rolls back what its client has left
    return True


def _refuse_closed(dbapi_connection: Any, _record: object, _proxy: object) -> None:
    """A pooled connection that was closed meanwhile: all that are as old are replaced."""
    if dbapi_connection.driver_connection.is_closed():
        raise InvalidatePoolError
