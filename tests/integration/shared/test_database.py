"""The two ways to PostgreSQL, the engine and a session of its own, take the same address in every usual spelling."""

import pytest
from sqlalchemy import text

from shared.runtime.errors import Transient
from shared.storage.database import connect, transaction
from shared.storage.session import session_connection

SCHEMA = "shared"


async def _both_answer(url: str) -> list[int]:
    engine = connect(url, SCHEMA)
    try:
        async with transaction(engine) as connection:
            first = (await connection.execute(text("SELECT 1"))).scalar_one()
        async with session_connection(url, SCHEMA) as session:
            return [first, await session.fetchval("SELECT 2")]
    finally:
        await engine.dispose()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
@pytest.mark.parametrize("query", ["", "?sslmode=disable", "?ssl=disable"])
async def test_an_address_is_taken_as_libpq_and_as_sqlalchemy_write_it(
    database_url: str, scheme: str, query: str
) -> None:
    assert await _both_answer(f"{scheme}://{database_url.partition('://')[2]}{query}") == [1, 2]


async def test_tls_that_is_insisted_on_is_not_gone_without(database_url: str) -> None:
    with pytest.raises(Transient):
        await _both_answer(f"{database_url}?sslmode=require")


@pytest.mark.rule("G5")
async def test_a_login_that_the_database_refuses_is_waited_for_as_its_password_may_be_changing(
    database_url: str,
) -> None:
    scheme, _, rest = database_url.partition("://")
    with pytest.raises(Transient, match="password authentication failed"):
        await _both_answer(f"{scheme}://nobody:wrong@{rest.partition('@')[2]}")


async def test_a_plan_that_a_newer_copys_migration_made_void_is_made_anew_at_the_next_try(database_url: str) -> None:
    engine = connect(database_url, "public", pool_size=1)
    everything = text("SELECT * FROM something")
    try:
        async with transaction(engine) as connection:
            await connection.execute(text("CREATE TABLE something AS SELECT 1 AS one"))
        async with transaction(engine) as connection:
            assert (await connection.execute(everything)).all() == [(1,)]
        async with session_connection(database_url, "public") as newer:
            await newer.fetchval("ALTER TABLE something ADD COLUMN two int")
        with pytest.raises(Transient):
            async with transaction(engine) as connection:
                await connection.execute(everything)
        async with transaction(engine) as connection:
            assert (await connection.execute(everything)).all() == [(1, None)]
    finally:
        await engine.dispose()
