"""The intake: each record is applied once, a harmful one becomes a dead letter, what is away is waited for."""

import asyncio

import asyncpg
import pytest
from aiokafka import TopicPartition
from faststream import AckPolicy
from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.kafka.intake import Intake
from shared.kafka.lag import LagMonitor
from shared.kafka.reader import MAX_RECORDS
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from shared.storage import stored_positions
from shared.storage.database import transaction
from shared.storage.stored_positions import Partition
from tenure.local.postgres import Postgres
from tests.integration.shared.environment import SCHEMA, Topic
from tests.integration.shared.recording import (
    POISON,
    UNREADABLE,
    applied,
    has_applied,
    recording_intake,
    running_intake,
)
from tests.kit.topics import consumer
from tests.kit.waiting import PATIENCE, eventually


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


def test_no_subscriber_is_acknowledged_by_the_framework(context: ServiceContext) -> None:
    broker = recording_intake(context).broker
    assert broker.subscribers
    assert {subscriber.ack_policy for subscriber in broker.subscribers} == {AckPolicy.MANUAL}


async def test_a_copy_that_stops_does_not_wait_for_batches_that_are_only_decoded(
    context: ServiceContext, topic: Topic
) -> None:
    intake = recording_intake(context)
    await intake.start()

    async def reading_waits_for_room() -> bool:
        await topic.send(*[b"more"] * (MAX_RECORDS // 4))
        return not intake.reader._read_ahead.is_empty and intake.reader._decoding

    await eventually(reading_waits_for_room)
    async with asyncio.timeout(PATIENCE):
        await intake.stop(2 * PATIENCE)


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_its_batch_becomes_a_dead_letter_alone_and_its_neighbours_are_applied(
    context: ServiceContext, topic: Topic
) -> None:
    values = [b"%d" % number for number in range(20)]
    await topic.send(*values[:13], POISON, *values[13:])
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 20))
    assert await applied(context.engine) == [value.decode() for value in values]
    assert await applied(context.engine, dead_letter=True) == [POISON.decode()]


@pytest.mark.rule("G4")
async def test_a_record_that_breaks_its_decoding_becomes_a_dead_letter_alone_when_it_is_applied(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a", UNREADABLE, b"b")
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 2))
    assert await applied(context.engine) == ["a", "b"]
    assert await applied(context.engine, dead_letter=True) == [UNREADABLE.decode()]


@pytest.mark.rule("G1")
async def test_a_copy_goes_on_at_the_stored_position_whatever_offset_kafka_has(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a", b"b")
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 2))
    await _commit_to_kafka(context.settings, topic, 0)
    await topic.send(b"c", partition=1)
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 3))
    assert await applied(context.engine) == ["a", "b", "c"]


async def _commit_to_kafka(settings: Settings, topic: Topic, offset: int) -> None:
    async with consumer(settings.kafka_bootstrap_servers, group_id=f"{settings.topic_prefix}tests") as other:
        other.assign([topic.at()])
        await other.commit({topic.at(): offset})


@pytest.mark.rule("G1")
async def test_a_copy_whose_position_another_one_has_moved_reads_again_from_the_stored_position(
    context: ServiceContext, topic: Topic
) -> None:
    await topic.send(b"a")
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 1))
        async with transaction(context.engine) as connection:
            await connection.execute(text("UPDATE input_offset SET next_offset = 3 WHERE partition = 0"))
        await topic.send(b"b", b"c", b"d")
        await eventually(lambda: has_applied(context.engine, 2))
    assert await applied(context.engine) == ["a", "d"]


async def test_a_stored_position_after_the_end_of_its_partition_is_an_alarm(
    context: ServiceContext, topic: Topic
) -> None:
    async with transaction(context.engine) as connection:
        await stored_positions.begin(connection, {Partition(PURCHASES, 0): 5})
    async with running_intake(context) as (_, task):
        with pytest.raises(Alarm, match=r"position 5 lies outside of what the broker holds \(0 to 0\)"):
            await asyncio.wait_for(task, PATIENCE)


async def test_the_lag_is_what_is_not_applied_and_kafka_is_told_what_is(context: ServiceContext, topic: Topic) -> None:
    await topic.send(b"a", b"b")
    intake = recording_intake(context)
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


@pytest.mark.rule("G5")
async def test_a_partition_that_is_taken_away_while_its_end_is_asked_for_is_no_trouble(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = recording_intake(context)
    await intake.start()
    await eventually(lambda: _measures(intake, 0))
    consumer, ends_of = intake.reader.consumer, intake.reader.consumer.end_offsets

    async def as_a_rebalance_begins(partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = await ends_of(partitions)
        consumer.unsubscribe()
        return ends

    monkeypatch.setattr(consumer, "end_offsets", as_a_rebalance_begins)
    assert await intake.lag_monitor.measure() == 0
    assert consumer.assignment() == set()
    await intake.stop(10)


async def _measures(intake: Intake, lag: int) -> bool:
    return intake.reader.joined and await intake.lag_monitor.measure() == lag


async def test_a_consumer_that_has_fallen_silent_is_replaced(context: ServiceContext, topic: Topic) -> None:
    intake = recording_intake(context)
    monitor = LagMonitor(intake.reader, intake.applier, context.health, silent_seconds=1)
    await intake.start()
    running = asyncio.create_task(run_until_one_ends(intake.applier.run, monitor.run))
    try:
        await eventually(lambda: _measures(intake, 0))
        silent = intake.reader.consumer
        silent.pause(*silent.assignment())
        await topic.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        assert intake.reader.consumer is not silent
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await intake.stop(10)


@pytest.mark.rule("G1", "G5")
async def test_sessions_that_are_terminated_are_replaced_and_nothing_is_applied_twice(
    context: ServiceContext, topic: Topic
) -> None:
    async with running_intake(context):
        for number in range(30):
            await topic.send(b"%d" % number, partition=number % 2)
            if number % 10 == 5:
                await _terminate_sessions(context.settings)
        await eventually(lambda: _counts_outside_the_engine(context.settings, 30))
    assert sorted(await applied(context.engine), key=int) == [str(number) for number in range(30)]


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
    async with running_intake(context) as (intake, _):
        await topic.send(b"before")
        await eventually(lambda: has_applied(context.engine, 1))
        await postgres.stop()
        try:
            await topic.send(b"meanwhile")
            await eventually(lambda: _is_applying(intake))
        finally:
            await postgres.start()
        await eventually(lambda: _counts_outside_the_engine(context.settings, 2))
    await context.engine.dispose()
    assert await applied(context.engine) == ["before", "meanwhile"]


async def _is_applying(intake: Intake) -> bool:
    return intake.applier.is_busy


async def test_a_copy_that_waits_for_the_database_stops_when_it_is_told_to(
    context: ServiceContext, topic: Topic, postgres: Postgres
) -> None:
    """Kafka assigns partitions to it; the rebalance listener returns only once their positions are known."""
    intake = recording_intake(context)
    await postgres.stop()
    try:
        await intake.start()
        await eventually(lambda: _waits_for_postgres(context.health))
        await asyncio.wait_for(intake.stop(1), PATIENCE)
    finally:
        await postgres.start()


async def _waits_for_postgres(health: Health) -> bool:
    return "PostgreSQL" in health.unready.get("consuming", "")
