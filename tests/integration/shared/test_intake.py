"""Reading: each record once, a poisonous one alone, and trouble that passes is waited out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from faststream import AckPolicy
from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.kafka.client import broker as make_broker
from shared.kafka.intake import Intake
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.errors import Alarm
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.storage import offsets
from shared.storage.database import Connection, Engine, transaction
from shared.storage.offsets import Partition
from tenure.local.postgres import Postgres
from tests.integration.shared.environment import Topic
from tests.kit.waiting import PATIENCE, eventually

POISON = b"poison"
UNREADABLE = b"unreadable"


class Keeping:
    """Writes down every value that it gets; one of them breaks the whole batch."""

    def decode(self, record: Record) -> bytes | None:
        if record.value == UNREADABLE:
            raise ZeroDivisionError
        value: bytes | None = record.value
        return value

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> None:
        for record, content in decoded:
            assert content == record.value
            await _write(connection, record, buried=False)
            if record.value == POISON:
                raise ZeroDivisionError

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> None:
        assert isinstance(error, ZeroDivisionError)
        await _write(connection, record, buried=True)


async def _write(connection: Connection, record: Record, *, buried: bool) -> None:
    value = (record.value or b"").decode()
    await connection.execute(text("INSERT INTO applied VALUES (:value, :buried)"), {"value": value, "buried": buried})


async def _applied(engine: Engine, *, buried: bool = False) -> list[str]:
    query = text("SELECT value FROM applied WHERE buried = :buried")
    async with transaction(engine) as connection:
        return [row[0] for row in await connection.execute(query, {"buried": buried})]


def _intake(engine: Engine, settings: Settings) -> Intake:
    health = Health("consuming")
    return Intake([PURCHASES], settings=settings, engine=engine, batch_processor=Keeping(), health=health)


@asynccontextmanager
async def _reading(engine: Engine, settings: Settings) -> AsyncIterator[Intake]:
    intake, broker = _intake(engine, settings), make_broker(settings)
    intake.subscribe(broker, "spine")
    await broker.start()
    running = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        running.cancel()
        await intake.drained(10)
        await broker.stop()


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


def test_the_subscriber_is_never_acknowledged_by_the_framework(settings: Settings) -> None:
    broker = make_broker(settings)
    _intake(None, settings).subscribe(broker, "spine")  # type: ignore[arg-type]
    assert broker.subscribers
    assert {subscriber.ack_policy for subscriber in broker.subscribers} == {AckPolicy.MANUAL}


async def test_a_copy_that_is_told_to_stop_does_not_wait_for_what_it_has_only_read_ahead(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    intake, broker = _intake(engine, settings), make_broker(settings)
    intake.subscribe(broker, "spine")
    await broker.start()

    async def two_are_ahead() -> bool:
        await topic.send(b"more")
        return intake._ahead.full() and intake._reading

    await eventually(two_are_ahead)
    async with asyncio.timeout(5):
        await broker.stop()


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_its_batch_is_buried_alone_and_its_neighbours_are_applied(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    values = [b"%d" % number for number in range(20)]
    await topic.send(*values[:13], POISON, *values[13:])
    async with _reading(engine, settings):
        await eventually(lambda: _has(engine, 20))
    assert await _applied(engine) == [value.decode() for value in values]
    assert await _applied(engine, buried=True) == [POISON.decode()]


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_the_reading_ahead_is_buried_alone_when_its_turn_comes(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    await topic.send(b"a", UNREADABLE, b"b")
    async with _reading(engine, settings):
        await eventually(lambda: _has(engine, 2))
    assert await _applied(engine) == ["a", "b"]
    assert await _applied(engine, buried=True) == [UNREADABLE.decode()]


async def _has(engine: Engine, count: int) -> bool:
    return len(await _applied(engine)) >= count


@pytest.mark.rule("G1")
async def test_a_second_reader_goes_on_where_the_database_says_whatever_kafka_believes(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    await topic.send(b"a", b"b")
    async with _reading(engine, settings):
        await eventually(lambda: _has(engine, 2))
    await topic.send(b"c", partition=1)
    async with _reading(engine, settings):
        await eventually(lambda: _has(engine, 3))
    assert await _applied(engine) == ["a", "b", "c"]


@pytest.mark.rule("G1")
async def test_a_reader_that_another_copy_has_displaced_reads_again_from_the_stored_position(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    await topic.send(b"a")
    async with _reading(engine, settings):
        await eventually(lambda: _has(engine, 1))
        async with transaction(engine) as connection:
            await connection.execute(text("UPDATE input_offset SET next_offset = 3 WHERE partition = 0"))
        await topic.send(b"b", b"c", b"d")
        await eventually(lambda: _has(engine, 2))
    assert await _applied(engine) == ["a", "d"]


async def test_a_stored_position_beyond_the_end_is_an_alarm(engine: Engine, settings: Settings, topic: Topic) -> None:
    async with transaction(engine) as connection:
        await offsets.begin(connection, {Partition(PURCHASES, 0): 5})
    async with _reading(engine, settings) as intake:
        with pytest.raises(Alarm, match=r"position 5 lies outside of what the broker holds \(0 to 0\)"):
            await asyncio.wait_for(intake.alarmed(), PATIENCE)


@pytest.mark.rule("G1", "G5")
async def test_sessions_that_are_terminated_are_replaced_and_nothing_is_applied_twice(
    engine: Engine, settings: Settings, topic: Topic
) -> None:
    async with _reading(engine, settings):
        for number in range(30):
            await topic.send(b"%d" % number, partition=number % 2)
            if number % 10 == 5:
                await _terminate_sessions(settings)
        await eventually(lambda: _counts_in_spite_of_trouble(settings, 30))
    assert sorted(await _applied(engine), key=int) == [str(number) for number in range(30)]


async def _terminate_sessions(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def _counts_in_spite_of_trouble(settings: Settings, count: int) -> bool:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    found = await connection.fetchval("SELECT count(*) FROM spine.applied")
    await connection.close()
    return bool(found >= count)


@pytest.mark.rule("G1", "G5")
async def test_a_database_that_is_away_is_waited_for(
    engine: Engine, settings: Settings, topic: Topic, postgres: Postgres
) -> None:
    async with _reading(engine, settings) as intake:
        await topic.send(b"before")
        await eventually(lambda: _has(engine, 1))
        await postgres.stop()
        try:
            await topic.send(b"meanwhile")
            await eventually(lambda: _busy(intake))
        finally:
            await postgres.start()
        await eventually(lambda: _counts_in_spite_of_trouble(settings, 2))
    await engine.dispose()
    assert await _applied(engine) == ["before", "meanwhile"]


async def test_a_copy_that_waits_for_the_database_stops_when_it_is_told_to(
    engine: Engine, settings: Settings, topic: Topic, postgres: Postgres
) -> None:
    """Its partitions are being given to it, which ends only once their positions are known."""
    health = Health()
    intake = Intake([PURCHASES], settings=settings, engine=engine, batch_processor=Keeping(), health=health)
    broker = make_broker(settings)
    intake.subscribe(broker, "spine")
    await postgres.stop()
    try:
        await broker.start()
        await eventually(lambda: _troubled(health))
        await intake.drained(1)
        await asyncio.wait_for(broker.stop(), PATIENCE)
    finally:
        await postgres.start()


async def _troubled(health: Health) -> bool:
    return bool(health.unready)


async def _busy(intake: Intake) -> bool:
    return intake.busy
