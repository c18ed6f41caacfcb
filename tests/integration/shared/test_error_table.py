"""Every error of PostgreSQL and its driver means what the table says; no error of the driver leaves `transaction`."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from sqlalchemy import text

from shared.runtime.error_table import ANY, ERROR_TABLE, ErrorRow, Meaning, Source
from shared.runtime.errors import SlowStatement, Transient
from shared.storage import database
from shared.storage.database import Engine, connect, transaction
from shared.storage.session import session_connection
from tests.integration.shared.environment import SCHEMA

CODES = [row for row in ERROR_TABLE if row.source is Source.POSTGRESQL and row.code != ANY]
CUTTING_SECONDS = 3.0
CUT_EVERY_SECONDS = 0.03


@pytest.mark.parametrize("row", CODES, ids=lambda row: row.code)
async def test_each_sqlstate_means_what_its_row_says(engine: Engine, row: ErrorRow) -> None:
    code, meaning = row.code.ljust(5, "0"), row.meaning
    assert (
        await _meaning_of(engine, f"DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '{code}'; END $$") is meaning
    )


@pytest.mark.parametrize(
    ("statement", "meaning"),
    [
        ("SELECT missing FROM input_offset", Meaning.WAIT),
        ("SELECT 1 FROM missing", Meaning.WAIT),
        ("SELECT missing()", Meaning.WAIT),
        ("SELECT * FROM missing.table_of_it", Meaning.WAIT),
        ("SET ROLE pg_monitor; SELECT * FROM shared.input_offset", Meaning.WAIT),
        ("SET TRANSACTION READ ONLY; INSERT INTO applied VALUES ('x')", Meaning.WAIT),
        ("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(1)", Meaning.HALVE),
        ("INSERT INTO input_offset VALUES ('t', 0, 0), ('t', 0, 0)", Meaning.DEAD_LETTER),
        ("INSERT INTO input_offset VALUES ('t', 0, NULL)", Meaning.DEAD_LETTER),
        ("SELECT 2147483647 + 1", Meaning.DEAD_LETTER),
        ("SELECT CAST('9' || repeat('9', 200000) AS numeric)", Meaning.DEAD_LETTER),
    ],
)
async def test_what_really_happens_means_what_the_table_says(engine: Engine, statement: str, meaning: Meaning) -> None:
    assert await _meaning_of(engine, *statement.split("; ")) is meaning


async def test_a_value_that_the_driver_cannot_encode_is_the_records_fault(engine: Engine) -> None:
    with pytest.raises(Exception, match="out of int32 range") as raised:
        async with transaction(engine) as connection:
            await connection.execute(text("SELECT CAST(:n AS int)"), {"n": 2**40})
    assert not isinstance(raised.value, Transient)


async def _meaning_of(engine: Engine, *statements: str) -> Meaning:
    try:
        async with transaction(engine) as connection:
            for statement in statements:
                await connection.execute(text(statement))
    except SlowStatement:
        return Meaning.HALVE
    except Transient:
        return Meaning.WAIT
    except Exception:  # noqa: BLE001 - whatever it is, it is no longer the database's trouble
        return Meaning.DEAD_LETTER
    raise AssertionError("nothing was raised")


@asynccontextmanager
async def _sessions_are_cut(url: str) -> AsyncIterator[None]:
    """All other sessions on this database end every 30 ms."""
    cutter = await asyncpg.connect(url)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def go_on() -> None:
        while True:
            await cutter.execute(cut)
            await asyncio.sleep(CUT_EVERY_SECONDS)

    cutting = asyncio.create_task(go_on())
    try:
        yield
    finally:
        cutting.cancel()
        await asyncio.wait([cutting])
        await cutter.close()


@pytest.mark.parametrize("frozen", [False, True], ids=["awake", "frozen now and then"])
async def test_while_sessions_are_cut_every_30_ms_nothing_but_transient_is_raised(
    engine: Engine, database_url: str, *, frozen: bool
) -> None:
    """Frozen: the event loop stands still, as after SIGSTOP, so that cut sessions and answers are noticed together."""
    until = time.monotonic() + CUTTING_SECONDS
    numbers = text("SELECT * FROM generate_series(1, 2000)")
    copied = [("x" * 50, False)] * 500

    async def write() -> None:
        while time.monotonic() < until:
            with suppress(Transient):
                async with transaction(engine) as connection:
                    await connection.execute(numbers)
                    await database.driver(connection).copy_records_to_table("applied", records=copied)

    async def hold() -> None:
        while time.monotonic() < until:
            with suppress(Transient):
                async with session_connection(database_url, SCHEMA) as session:
                    await session.fetchval("SELECT pg_advisory_lock(1)")
                    await session.listen("something", lambda _: None)
                    await session.keep()

    async def freeze() -> None:
        while frozen and time.monotonic() < until:
            time.sleep(0.1)  # noqa: ASYNC251 - that is the point
            await asyncio.sleep(0.05)

    async with _sessions_are_cut(database_url), asyncio.TaskGroup() as group:
        for operation in (write, write, write, write, hold, hold, freeze):
            group.create_task(operation())
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    assert engine.sync_engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_after_all_sessions_were_cut_the_pool_gives_new_ones_at_once(database_url: str) -> None:
    engine = connect(database_url, "public")
    one = text("SELECT 1")

    async def ask() -> None:
        async with transaction(engine) as connection:
            await connection.execute(one)
            await asyncio.sleep(0.05)

    try:
        await asyncio.gather(*(ask() for _ in range(8)))
        async with _sessions_are_cut(database_url):
            await asyncio.sleep(0.1)
        await asyncio.gather(*(ask() for _ in range(8)))
    finally:
        await engine.dispose()
