"""The intake: each record is applied once, a harmful one becomes a dead letter, what is away is waited for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from faststream import AckPolicy
from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.kafka.intake import Intake, build_intake
from shared.kafka.lag import LagMonitor
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from shared.storage import offsets
from shared.storage.database import Connection, Engine, transaction
from shared.storage.offsets import Partition
from tenure.local.postgres import Postgres
from tests.integration.shared.environment import SCHEMA, Topic
from tests.kit.topics import consumer
from tests.kit.waiting import PATIENCE, eventually

POISON = b"poison"
UNREADABLE = b"unreadable"


class Recording:
    """A batch processor that stores every value; one value breaks its whole batch, another one its decoding."""

    def decode(self, record: Record) -> bytes | None:
        if record.value == UNREADABLE:
            raise ZeroDivisionError
        value: bytes | None = record.value
        return value

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> None:
        for record, content in decoded:
            assert content == record.value
            await _store(connection, record, dead_letter=False)
            if record.value == POISON:
                raise ZeroDivisionError

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> None:
        assert isinstance(error, ZeroDivisionError)
        await _store(connection, record, dead_letter=True)


async def _store(connection: Connection, record: Record, *, dead_letter: bool) -> None:
    row = {"value": (record.value or b"").decode(), "dead_letter": dead_letter}
    await connection.execute(text("INSERT INTO applied VALUES (:value, :dead_letter)"), row)


async def _applied(engine: Engine, *, dead_letter: bool = False) -> list[str]:
    query = text("SELECT value FROM applied WHERE dead_letter = :dead_letter")
    async with transaction(engine) as connection:
        return [row[0] for row in await connection.execute(query, {"dead_letter": dead_letter})]


async def _has(engine: Engine, count: int) -> bool:
    return len(await _applied(engine)) >= count


def _intake(context: ServiceContext) -> Intake:
    return build_intake(context, Recording(), group="tests", topics=[PURCHASES])


@asynccontextmanager
async def _running(context: ServiceContext) -> AsyncIterator[tuple[Intake, "asyncio.Task[None]"]]:
    """The intake, and the task in which it runs."""
    intake = _intake(context)
    await intake.start()
    task = asyncio.create_task(intake.run())
    try:
        yield intake, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await intake.stop(10)


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


def test_no_subscriber_is_acknowledged_by_the_framework(context: ServiceContext) -> None:
    broker = _intake(context).broker
    assert broker.subscribers
    assert {subscriber.ack_policy for subscriber in broker.subscribers} == {AckPolicy.MANUAL}


async def test_a_copy_that_stops_does_not_wait_for_batches_that_are_only_decoded(
    context: ServiceContext, topic: Topic
) -> None:
    intake = _intake(context)
    await intake.start()

    async def two_batches_are_decoded() -> bool:
        await topic.send(b"more")
        return intake.reader._batches.full() and intake.reader._decoding

    await eventually(two_batches_are_decoded)
    async with asyncio.timeout(5):
        await intake.stop(10)


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_its_batch_becomes_a_dead_letter_alone_and_its_neighbours_are_applied(
    context: ServiceContext, topic: Topic
) -> None:
    values = [b"%d" % number for number in range(20)]
    await topic.send(*values[:13], POISON, *values[13:])
    async with _running(context):
        await eventually(lambda: _has(context.engine, 20))
    assert await _applied(context.engine) == [value.decode() for value in values]
    assert await _applied(context.engine, dead_letter=True) == [POISON.decode()]


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_its_decoding_becomes_a_dead_letter_alone_when_it_is_applied(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a", UNREADABLE, b"b")
    async with _running(context):
        await eventually(lambda: _has(context.engine, 2))
    assert await _applied(context.engine) == ["a", "b"]
    assert await _applied(context.engine, dead_letter=True) == [UNREADABLE.decode()]


@pytest.mark.rule("G1")
async def test_a_copy_goes_on_at_the_stored_position_whatever_offset_kafka_has(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a", b"b")
    async with _running(context):
        await eventually(lambda: _has(context.engine, 2))
    await _commit_to_kafka(context.settings, topic, 0)
    await topic.send(b"c", partition=1)
    async with _running(context):
        await eventually(lambda: _has(context.engine, 3))
    assert await _applied(context.engine) == ["a", "b", "c"]


async def _commit_to_kafka(settings: Settings, topic: Topic, offset: int) -> None:
    async with consumer(settings.kafka_bootstrap_servers, group_id=f"{settings.topic_prefix}tests") as other:
        other.assign([topic.at()])
        await other.commit({topic.at(): offset})


@pytest.mark.rule("G1")
async def test_a_copy_whose_position_another_one_has_moved_reads_again_from_the_stored_position(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a")
    async with _running(context):
        await eventually(lambda: _has(context.engine, 1))
        async with transaction(context.engine) as connection:
            await connection.execute(text("UPDATE input_offset SET next_offset = 3 WHERE partition = 0"))
        await topic.send(b"b", b"c", b"d")
        await eventually(lambda: _has(context.engine, 2))
    assert await _applied(context.engine) == ["a", "d"]


async def test_a_stored_position_after_the_end_of_its_partition_is_an_alarm(
    context: ServiceContext, topic: Topic
) -> None:
    async with transaction(context.engine) as connection:
        await offsets.begin(connection, {Partition(PURCHASES, 0): 5})
    async with _running(context) as (_, task):
        with pytest.raises(Alarm, match=r"position 5 lies outside of what the broker holds \(0 to 0\)"):
            await asyncio.wait_for(task, PATIENCE)


async def test_the_lag_is_what_is_not_applied_and_kafka_is_told_what_is(context: ServiceContext, topic: Topic) -> None:
    await topic.send(b"a", b"b")
    intake = _intake(context)
    await intake.start()
    try:
        await eventually(lambda: _measures(intake, 2))
        applying = asyncio.create_task(intake.applier.run())
        await eventually(lambda: _measures(intake, 0))
        assert context.health.lag == {Partition(PURCHASES, 0): 0, Partition(PURCHASES, 1): 0}
        assert await intake.reader.consumer.committed(topic.at()) == 2
        applying.cancel()
    finally:
        await intake.stop(10)


async def _measures(intake: Intake, lag: int) -> bool:
    return intake.reader.joined and await intake.lag_monitor.measure() == lag


async def test_a_consumer_that_has_fallen_silent_is_replaced(context: ServiceContext, topic: Topic) -> None:
    intake = _intake(context)
    monitor = LagMonitor(intake.reader, intake.applier, context.health, silent_seconds=1)
    await intake.start()
    running = asyncio.create_task(run_until_one_ends(intake.applier.run, monitor.run))
    try:
        await eventually(lambda: _measures(intake, 0))
        silent = intake.reader.consumer
        silent.pause(*silent.assignment())
        await topic.send(b"a")
        await eventually(lambda: _has(context.engine, 1))
        assert intake.reader.consumer is not silent
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await intake.stop(10)


@pytest.mark.rule("G1", "G5")
async def test_sessions_that_are_terminated_are_replaced_and_nothing_is_applied_twice(
    context: ServiceContext, topic: Topic
) -> None:
    async with _running(context):
        for number in range(30):
            await topic.send(b"%d" % number, partition=number % 2)
            if number % 10 == 5:
                await _terminate_sessions(context.settings)
        await eventually(lambda: _counts_outside_the_engine(context.settings, 30))
    assert sorted(await _applied(context.engine), key=int) == [str(number) for number in range(30)]


async def _terminate_sessions(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def _counts_outside_the_engine(settings: Settings, count: int) -> bool:
    """The engine's own connections may be broken."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    found = await connection.fetchval(f"SELECT count(*) FROM {SCHEMA}.applied")
    await connection.close()
    return bool(found >= count)


@pytest.mark.rule("G1", "G5")
async def test_a_database_that_is_away_is_waited_for(context: ServiceContext, topic: Topic, postgres: Postgres) -> None:
    async with _running(context) as (intake, _):
        await topic.send(b"before")
        await eventually(lambda: _has(context.engine, 1))
        await postgres.stop()
        try:
            await topic.send(b"meanwhile")
            await eventually(lambda: _is_applying(intake))
        finally:
            await postgres.start()
        await eventually(lambda: _counts_outside_the_engine(context.settings, 2))
    await context.engine.dispose()
    assert await _applied(context.engine) == ["before", "meanwhile"]


async def _is_applying(intake: Intake) -> bool:
    return intake.applier.is_busy


async def test_a_copy_that_waits_for_the_database_stops_when_it_is_told_to(
    context: ServiceContext, topic: Topic, postgres: Postgres
) -> None:
    """Kafka assigns partitions to it; the rebalance listener returns only once their positions are known."""
    intake = _intake(context)
    await postgres.stop()
    try:
        await intake.start()
        await eventually(lambda: _waits_for_postgres(context.health))
        await asyncio.wait_for(intake.stop(1), PATIENCE)
    finally:
        await postgres.start()


async def _waits_for_postgres(health: Health) -> bool:
    return "PostgreSQL" in health.unready.get("consuming", "")
