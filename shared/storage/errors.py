"""Errors of PostgreSQL and of its driver, turned into those that say what to do; `shared.runtime.error_table` judges.

Invariant: no error of the driver about its own state leaves `classified` as it is. It is `Transient`, and the
connection that it came from must not be used again (`is_spoiled`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shared.runtime.error_table import ErrorRow, Meaning, Source, row_of
from shared.runtime.errors import SlowStatement, Transient

_OF_THE_DRIVER = (
    *(asyncpg.InterfaceError, asyncpg.InternalClientError, SQLAlchemyError),
    *(OSError, EOFError, TimeoutError, asyncio.CancelledError),
)


@contextmanager
def classified() -> Iterator[None]:
    """Raise what the table calls "wait" as `Transient`, "halve" as `SlowStatement`; anything else as it is."""
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        if is_cancelled(error):
            raise
        origin = _origin(error)
        match _meaning(origin):
            case Meaning.WAIT:
                raise Transient(_sentence(origin)) from error
            case Meaning.HALVE:
                raise SlowStatement(_sentence(origin)) from error
        raise


@contextmanager
def stored_once(what: str) -> Iterator[None]:
    """Raise `Transient` where another transaction stores a key of the block's at the same moment: at the next try it is
    there. `what`: of which the keys are, in the plural.
    """
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Transient(f"PostgreSQL: another copy has just stored one of the {what}") from error


def is_spoiled(error: BaseException, connection: asyncpg.Connection) -> bool:
    """Whether a connection that has raised `error` must be thrown away; the server's own errors leave it usable.

    So it is where somebody cancelled the task: a statement may be under way, whose end nobody waits for.
    """
    return connection.is_closed() or isinstance(_origin(error), _OF_THE_DRIVER)


def is_cancelled(error: BaseException) -> bool:
    """Whether somebody cancelled this task. The driver cancels its own futures when a connection is lost."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _origin(error: BaseException) -> BaseException:
    """The driver's error below SQLAlchemy's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _meaning(error: BaseException) -> Meaning | None:
    """None: neither the database nor its driver raised it."""
    row = _row(error)
    return row.meaning if row else None


def _speaks(error: BaseException) -> bool:
    row = _row(error)
    return row is not None and row.speaks


def _row(error: BaseException) -> ErrorRow | None:
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return row_of(Source.POSTGRESQL, (state, state[:2]))
    if isinstance(error, _OF_THE_DRIVER):
        return row_of(Source.DRIVER, (each.__name__ for each in type(error).__mro__))
    return None


def _sentence(error: BaseException) -> str:
    """Names the error; with PostgreSQL's own words where they cannot be those of a record, and never its DETAIL."""
    state = getattr(error, "sqlstate", None)
    name = f"PostgreSQL: {type(error).__name__}{f' ({state})' if state else ''}"
    words = str(error.args[0] if isinstance(error, asyncpg.PostgresError) else error)
    return f"{name}: {words}" if words and _speaks(error) else name
