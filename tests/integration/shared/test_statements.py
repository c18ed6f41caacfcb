"""Statements by both ways, SQLAlchemy's and the driver's, are in one transaction, which ends as a whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Final

import pytest
from asyncpg import PostgresError
from asyncpg.transaction import Transaction
from sqlalchemy import text

from shared.runtime.errors import SlowStatement, Transient
from shared.storage.database import Connection, Engine, after_commit, autocommit, connect, transaction
from shared.storage.session import session_connection
from shared.storage.statement import Statement
from tests.kit.waiting import PATIENCE

SCHEMA: Final = "public"
ADD: Final = Statement("INSERT INTO something (one) SELECT unnest(CAST(:numbers AS int[]))")
ADD_OTHERWISE: Final = text("INSERT INTO something (one) VALUES (:number)")
ALL: Final = Statement("SELECT one FROM something ORDER BY one")
ISOLATION: Final = Statement("SELECT current_setting('transaction_isolation')")
SLEEP: Final = Statement("SELECT pg_sleep(:seconds)")
PROCESS: Final = Statement("SELECT pg_backend_pid()")
END_IT: Final = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
REPEATED: Final = Statement("SELECT CAST(:number AS int) + CAST(:other AS int) - :number, 'a::text', 7::text")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    """With one connection, so that each transaction uses what the one before has left."""
    made = connect(database_url, SCHEMA, pool_size=1)
    async with transaction(made) as connection:
        await connection.execute(text("CREATE TABLE something (one int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    yield made
    await made.dispose()


async def found(engine: Engine) -> list[int]:
    async with transaction(engine) as connection:
        return [number for (number,) in await ALL.fetch(connection, {})]


async def process_of(engine: Engine) -> int:
    async with transaction(engine) as connection:
        [(pid,)] = await PROCESS.fetch(connection, {})
        return int(pid)


async def failing(engine: Engine, error: Exception) -> None:
    async with transaction(engine) as connection:
        await ADD.run(connection, {"numbers": [1]})
        await connection.execute(ADD_OTHERWISE, {"number": 2})
        raise error


async def adding(engine: Engine, *numbers: int) -> None:
    async with transaction(engine) as connection:
        await ADD.run(connection, {"numbers": numbers})


async def cancel(slow: Coroutine[object, object, None]) -> None:
    """Cancel it in the middle of its statement; it ends at once."""
    task = asyncio.ensure_future(slow)
    await asyncio.sleep(0.2)
    task.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_name_may_stand_more_than_once_and_what_is_no_name_stays(engine: Engine) -> None:
    async with transaction(engine) as connection:
        [row] = await REPEATED.fetch(connection, {"number": 3, "other": 4, "unused": 5})
    assert tuple(row) == (4, "a::text", "7")


async def test_a_statement_says_how_many_rows_it_wrote(engine: Engine) -> None:
    async with transaction(engine) as connection:
        assert await ADD.run(connection, {"numbers": [1, 2]}) == 2
        assert await ADD.run(connection, {"numbers": []}) == 0


async def test_both_ways_see_and_keep_the_same(engine: Engine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(ADD_OTHERWISE, {"number": 2})
        await ADD.run(connection, {"numbers": [1]})
        assert (await connection.execute(text("SELECT count(*) FROM something"))).scalar_one() == 2
    assert await found(engine) == [1, 2]


async def test_both_ways_are_rolled_back_and_the_connection_goes_on(engine: Engine) -> None:
    before = await process_of(engine)
    with pytest.raises(ValueError, match="no"):
        await failing(engine, ValueError("no"))
    assert await found(engine) == []
    assert await process_of(engine) == before


async def test_what_the_commit_refuses_is_not_kept_and_the_next_transaction_is_a_new_one(engine: Engine) -> None:
    with pytest.raises(PostgresError, match="duplicate key"):
        await adding(engine, 1, 1)
    await adding(engine, 1)
    assert await found(engine) == [1]


async def test_a_transaction_that_is_cancelled_leaves_nothing_and_is_not_waited_for(engine: Engine) -> None:
    async def slow() -> None:
        async with transaction(engine) as connection:
            await ADD.run(connection, {"numbers": [1]})
            await SLEEP.fetch(connection, {"seconds": 60.0})

    await cancel(slow())
    assert await found(engine) == []


async def test_a_cancellation_that_comes_during_the_rollback_ends_the_task(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolling_back = asyncio.Event()

    async def slowly(self: Transaction) -> None:
        rolling_back.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(Transaction, "rollback", slowly)
    task = asyncio.ensure_future(failing(engine, Transient("a lock")))
    await rolling_back.wait()
    task.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await found(engine) == []


@pytest.mark.rule("G5")
async def test_a_statement_over_its_time_is_slow_and_the_connection_goes_on(engine: Engine) -> None:
    async def slow() -> None:
        async with transaction(engine, statement_seconds=0.1) as connection:
            await SLEEP.fetch(connection, {"seconds": 60.0})

    before = await process_of(engine)
    with pytest.raises(SlowStatement):
        await slow()
    assert await process_of(engine) == before


@pytest.mark.rule("G5")
async def test_a_session_that_the_server_ends_is_waited_for_whatever_is_raised_then(engine: Engine) -> None:
    async def ended(connection: Connection) -> None:
        await ADD.run(connection, {"numbers": [1]})
        with pytest.raises(PostgresError):
            await END_IT.fetch(connection, {})
        raise ValueError("of something else")

    async def in_a_transaction() -> None:
        async with transaction(engine) as connection:
            await ended(connection)

    with pytest.raises(Transient):
        await in_a_transaction()
    assert await found(engine) == []


async def test_without_a_transaction_each_statement_stays_whatever_comes_after_it(engine: Engine) -> None:
    async def failing_afterwards() -> None:
        async with autocommit(engine) as connection:
            await ADD.run(connection, {"numbers": [1]})
            await connection.execute(ADD_OTHERWISE, {"number": 2})
            raise ValueError("no")

    before = await process_of(engine)
    with pytest.raises(ValueError, match="no"):
        await failing_afterwards()
    assert await found(engine) == [1, 2]
    assert await process_of(engine) == before


async def test_without_a_transaction_a_statement_that_fails_leaves_nothing_and_the_connection_goes_on(
    engine: Engine,
) -> None:
    before = await process_of(engine)
    with pytest.raises(PostgresError, match="duplicate key"):
        async with autocommit(engine) as connection:
            await ADD.run(connection, {"numbers": [1, 1]})
    assert await found(engine) == []
    assert await process_of(engine) == before


async def test_without_a_transaction_a_statement_that_is_cancelled_is_not_waited_for(engine: Engine) -> None:
    async def slow() -> None:
        async with autocommit(engine) as connection:
            await SLEEP.fetch(connection, {"seconds": 60.0})

    await cancel(slow())
    assert await found(engine) == []


@pytest.mark.rule("G5")
async def test_without_a_transaction_a_session_that_the_server_ends_is_waited_for(engine: Engine) -> None:
    with pytest.raises(Transient):
        async with autocommit(engine) as connection:
            await END_IT.fetch(connection, {})
    assert await found(engine) == []


async def test_nothing_can_be_asked_to_run_after_a_commit_that_does_not_come(engine: Engine) -> None:
    async with transaction(engine) as connection:
        after_commit(connection, list)
    async with autocommit(engine) as connection:
        with pytest.raises(KeyError):
            after_commit(connection, list)


@pytest.mark.parametrize("way", [transaction, autocommit])
async def test_a_transaction_is_read_committed_whatever_the_databases_default_is(
    database_url: str, way: Callable[[Engine], AbstractAsyncContextManager[Connection]]
) -> None:
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with session_connection(database_url, SCHEMA) as session:
        await session.fetchval(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    engine = connect(database_url, SCHEMA)
    try:
        async with way(engine) as connection:
            [(isolation,)] = await ISOLATION.fetch(connection, {})
    finally:
        await engine.dispose()
    assert isolation == "read committed"
