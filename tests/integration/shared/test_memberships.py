"""Copies in a consumer group on a real broker: restarted under a name, with a name that two have, and while waiting."""

from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewPartitions
from aiokafka.errors import InconsistentGroupProtocolError
from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.kafka.intake import Intake
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from tests.integration.shared.environment import Topic, service_context
from tests.integration.shared.recording import applied, has_applied, recording_intake, running_intake
from tests.kit.waiting import eventually


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


def copy_of(settings: Settings, engine: Engine, name: str | None, *, session_seconds: int) -> ServiceContext:
    changed = {"instance_id": name, "kafka_session_seconds": session_seconds}
    return service_context(settings.model_copy(update=changed), engine)


def assigned(intake: Intake) -> set[int]:
    """The partitions that this copy has."""
    consumer = intake.reader.consumer
    return {partition.partition for partition in consumer.assignment()} if intake.reader.joined and consumer else set()


@pytest.mark.rule("G5")
async def test_a_copy_that_is_restarted_under_its_name_does_not_wait_for_its_old_session(
    settings: Settings, engine: Engine, topic: Topic
) -> None:
    """Nobody tells the broker that it has ended; the session lasts longer than this test waits."""
    context = copy_of(settings, engine, "one", session_seconds=300)
    for number in (1, 2):
        await topic.send(b"%d" % number)
        async with running_intake(context):
            await eventually(partial(has_applied, engine, number))


async def test_a_copy_that_is_restarted_under_its_name_sees_partitions_that_were_added_meanwhile(
    settings: Settings, engine: Engine, topic: Topic
) -> None:
    context = copy_of(settings, engine, "one", session_seconds=300)
    async with running_intake(context) as (intake, _):
        await eventually(lambda: _has(intake, {0, 1}))
    async with topic.admin() as client:
        await client.create_partitions({topic.name: NewPartitions(total_count=3)})
    await topic.send(b"added", partition=2)
    async with running_intake(context):
        await eventually(lambda: has_applied(engine, 1))


@pytest.mark.rule("G1")
async def test_of_two_living_copies_with_one_name_one_goes_on_without_it_and_both_work(
    settings: Settings, engine: Engine, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    contexts = [copy_of(settings, engine, "one", session_seconds=10) for _ in range(2)]
    async with running_intake(contexts[0]) as (first, _):
        await eventually(lambda: _has(first, {0, 1}))
        async with running_intake(contexts[1]) as (second, _):
            await eventually(lambda: _share(first, second))
            for number in range(20):
                await topic.send(b"%d" % number, partition=number % 2)
            await eventually(lambda: has_applied(engine, 20))
            await eventually(lambda: _share(first, second))
    assert sorted(await applied(engine), key=int) == [str(number) for number in range(20)]
    assert caplog.text.count("this one goes on without a name") == 1


@pytest.mark.rule("G5")
async def test_a_copy_that_waits_for_the_database_stays_in_its_group(
    settings: Settings, engine: Engine, topic: Topic
) -> None:
    """Its positions are locked for longer than its session lasts."""
    context = copy_of(settings, engine, None, session_seconds=1)
    intake = recording_intake(context)
    try:
        async with transaction(engine) as connection:
            await connection.execute(text("LOCK TABLE input_offset"))
            await intake.start()
            await eventually(lambda: _waits(context.health))
        await eventually(lambda: _has(intake, {0, 1}))
        assert intake.reader.consumer._coordinator.generation == 1
    finally:
        await intake.stop(10)


@pytest.mark.rule("G5")
async def test_a_consumer_of_another_kind_cannot_take_partitions_from_a_copy(
    settings: Settings, engine: Engine, topic: Topic
) -> None:
    """Nobody would apply what is on them."""
    async with running_intake(copy_of(settings, engine, None, session_seconds=10)) as (intake, _):
        await eventually(lambda: _has(intake, {0, 1}))
        group = intake.reader.consumer._group_id
        stranger = AIOKafkaConsumer(topic.name, bootstrap_servers=settings.kafka_bootstrap_servers, group_id=group)
        try:
            with pytest.raises(InconsistentGroupProtocolError):
                await stranger.start()
        finally:
            await stranger.stop()
        assert assigned(intake) == {0, 1}


async def _has(intake: Intake, partitions: set[int]) -> bool:
    return assigned(intake) == partitions


async def _share(first: Intake, second: Intake) -> bool:
    """Whether each copy has one of the two partitions, and has found its position."""
    return {frozenset(assigned(first)), frozenset(assigned(second))} == {frozenset({0}), frozenset({1})}


async def _waits(health: Health) -> bool:
    return "lock" in health.unready.get("consuming", "")
