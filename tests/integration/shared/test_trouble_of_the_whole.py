"""Trouble of the whole is never taken for a record's fault: it is waited for, and no topic becomes dead letters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.kafka.culprits import MAX_IN_A_ROW
from shared.kafka.intake import build_intake
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.components import ServiceContext
from shared.runtime.log_lines import LogMessage
from shared.runtime.settings import Settings
from shared.storage.database import Connection, Engine, connect, transaction
from tests.integration.shared.environment import SCHEMA, Topic
from tests.kit.waiting import eventually

SLOW = b"slow"
RECORDS = 40


class Storing:
    """Stores every value in `applied`; the value `slow` takes longer than a statement may, `slow_times` times."""

    def __init__(self, slow_times: int = 100) -> None:
        self._slow_times = slow_times

    def decode(self, record: Record) -> None:
        return None

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        for record, _ in decoded:
            await _store(connection, record, dead_letter=False)
            if record.value == SLOW and self._slow_times:
                self._slow_times -= 1
                await connection.execute(text("SELECT pg_sleep(600)"))
        return ()

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> Sequence[LogMessage]:
        await _store(connection, record, dead_letter=True)
        return ()


async def _store(connection: Connection, record: Record, *, dead_letter: bool) -> None:
    row = {"value": (record.value or b"").decode(), "dead_letter": dead_letter}
    await connection.execute(text("INSERT INTO applied (value, dead_letter) VALUES (:value, :dead_letter)"), row)


async def _execute(engine: Engine, statement: str) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text(statement))


async def _values(engine: Engine, *, dead_letter: bool = False) -> list[str]:
    query = text("SELECT value FROM applied WHERE dead_letter = :dead_letter")
    async with transaction(engine) as connection:
        return [row[0] for row in await connection.execute(query, {"dead_letter": dead_letter})]


async def _positions(engine: Engine, *, mend: str = "SELECT 1") -> int:
    """The sum of the stored positions; with `mend` in the transaction that mends, so before anybody goes on."""
    async with transaction(engine) as connection:
        await connection.execute(text(mend))
        found = await connection.execute(text("SELECT coalesce(sum(next_offset), 0) FROM input_offset"))
        return int(found.scalar_one())


async def _has_applied(engine: Engine, count: int) -> bool:
    return len(await _values(engine)) == count


@asynccontextmanager
async def _running(context: ServiceContext, *, slow_times: int = 100) -> AsyncIterator[None]:
    intake = build_intake(context, Storing(slow_times), group="tests", topics=[PURCHASES])
    await intake.start()
    task = asyncio.create_task(intake.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await intake.stop(10)


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


async def _send(topic: Topic, *values: bytes, partition: int = 0) -> None:
    """Every record with a key of its own."""
    async with topic.producer() as producer:
        for value in values:
            await producer.send_and_wait(topic.name, value, key=value, partition=partition)


NUMBERS = [b"%d" % number for number in range(RECORDS)]


REFUSE = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
TRIGGER = "CREATE TRIGGER refuse BEFORE INSERT ON applied FOR EACH ROW EXECUTE FUNCTION refuse()"


@pytest.mark.rule("G5")
@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        (["ALTER TABLE applied DROP COLUMN dead_letter"], "ALTER TABLE applied ADD COLUMN dead_letter bool"),
        (["ALTER TABLE applied RENAME TO away"], "ALTER TABLE away RENAME TO applied"),
        (["ALTER TABLE applied RENAME COLUMN value TO other"], "ALTER TABLE applied RENAME COLUMN other TO value"),
        (["ALTER SCHEMA shared RENAME TO elsewhere"], "ALTER SCHEMA elsewhere RENAME TO shared"),
        ([REFUSE, TRIGGER], "DROP TRIGGER refuse ON applied"),
    ],
    ids=["column dropped", "table away", "column renamed", "schema away", "trigger raises"],
)
async def test_what_an_operator_broke_is_waited_for_and_goes_on_by_itself_once_it_is_mended(
    context: ServiceContext, topic: Topic, harm: Sequence[str], mend: str
) -> None:
    async with _running(context):
        await _send(topic, b"before")
        await eventually(lambda: _has_applied(context.engine, 1))
        for statement in harm:
            await _execute(context.engine, statement)
        await _send(topic, *NUMBERS)
        await eventually(lambda: _waits(context, "PostgreSQL: "))
        assert await _positions(context.engine, mend=mend) == 1
        await _execute(context.engine, "UPDATE applied SET dead_letter = false")
        await eventually(lambda: _has_applied(context.engine, RECORDS + 1))
    assert await _values(context.engine, dead_letter=True) == []


@pytest.mark.rule("G5")
async def test_a_right_that_was_revoked_is_waited_for_until_it_is_granted(
    context: ServiceContext, settings: Settings, topic: Topic
) -> None:
    """The service logs in as a role without superuser, whose right to one table is revoked meanwhile."""
    role = f"limited_{settings.topic_prefix.strip('-_.')}".replace("-", "_").replace(".", "_").lower()
    for statement in (
        f"CREATE ROLE {role} LOGIN PASSWORD 'limited'",
        f"GRANT ALL ON SCHEMA shared TO {role}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA shared TO {role}",
        f"REVOKE INSERT ON applied FROM {role}",
    ):
        await _execute(context.engine, statement)
    scheme, _, rest = settings.database_url.get_secret_value().partition("://")
    limited = connect(f"{scheme}://{role}:limited@{rest.partition('@')[2]}", SCHEMA)
    try:
        async with _running(replace(context, engine=limited)):
            await _send(topic, *NUMBERS)
            await eventually(lambda: _waits(context, "permission denied for table applied"))
            assert await _positions(context.engine) == 0
            await _execute(context.engine, f"GRANT INSERT ON applied TO {role}")
            await eventually(lambda: _has_applied(context.engine, RECORDS))
    finally:
        await limited.dispose()
    assert await _values(context.engine, dead_letter=True) == []


@pytest.mark.rule("G4", "G5")
async def test_a_constraint_that_refuses_every_record_makes_few_dead_letters_then_waits_until_it_is_gone(
    context: ServiceContext, topic: Topic
) -> None:
    await _execute(context.engine, "ALTER TABLE applied ADD CONSTRAINT refuse CHECK (dead_letter)")
    await _send(topic, *NUMBERS)
    async with _running(context):
        await eventually(lambda: _waits(context, "records in a row failed"))
        assert len(await _values(context.engine, dead_letter=True)) == MAX_IN_A_ROW
        assert await _positions(context.engine) == MAX_IN_A_ROW
        await _execute(context.engine, "ALTER TABLE applied DROP CONSTRAINT refuse")
        await eventually(lambda: _has_applied(context.engine, RECORDS - MAX_IN_A_ROW))
    assert len(await _values(context.engine, dead_letter=True)) == MAX_IN_A_ROW


async def _waits(context: ServiceContext, why: str) -> bool:
    return why in context.health.unready.get("consuming", "")


@pytest.mark.rule("G4")
async def test_many_bad_records_with_one_key_are_one_culprit_and_stop_nobody(
    context: ServiceContext, topic: Topic
) -> None:
    await _execute(context.engine, "ALTER TABLE applied ADD CONSTRAINT refuse CHECK (dead_letter OR value <> 'bad')")
    async with topic.producer() as producer:
        for _ in range(3 * MAX_IN_A_ROW):
            await producer.send_and_wait(topic.name, b"bad", key=b"one account", partition=0)
    await _send(topic, *NUMBERS)
    async with _running(context):
        await eventually(lambda: _has_applied(context.engine, RECORDS))
    assert await _values(context.engine, dead_letter=True) == ["bad"] * 3 * MAX_IN_A_ROW


@pytest.mark.rule("G4", "G5")
@pytest.mark.timeout(120)
async def test_a_record_whose_statement_is_too_slow_becomes_a_dead_letter_alone_and_its_neighbours_are_applied(
    context: ServiceContext, topic: Topic
) -> None:
    await _send(topic, *NUMBERS[:20], SLOW, *NUMBERS[20:])
    async with _running(context):
        await eventually(lambda: _has_applied(context.engine, RECORDS), 100)
    assert sorted(await _values(context.engine)) == sorted(value.decode() for value in NUMBERS)
    assert await _values(context.engine, dead_letter=True) == [SLOW.decode()]


@pytest.mark.rule("G5")
async def test_a_record_that_came_alone_and_whose_statement_was_cancelled_is_applied_at_its_second_try(
    context: ServiceContext, topic: Topic
) -> None:
    """By an operator, or since the whole database stood still for a moment: with the same SQLSTATE."""
    async with _running(context, slow_times=1):
        await _send(topic, SLOW)
        await eventually(lambda: _cancels_the_sleep(context.engine))
        await eventually(lambda: _has_applied(context.engine, 1))
    assert await _values(context.engine, dead_letter=True) == []


async def _cancels_the_sleep(engine: Engine) -> bool:
    query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
    async with transaction(engine) as connection:
        return bool((await connection.execute(text(query))).scalar())
