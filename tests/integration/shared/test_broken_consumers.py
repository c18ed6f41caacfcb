"""A consumer that cannot start, cannot stop or does not know its position is waited for, and no record is skipped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InvalidSessionTimeoutError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)

from shared.contracts.topics import PURCHASES
from shared.kafka import errors, lag
from shared.kafka.consumer import InputConsumer
from shared.kafka.intake import Intake
from shared.kafka.lag import LagMonitor
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import applied, has_applied, recording_intake, running_intake
from tests.kit.waiting import PATIENCE, eventually


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(1)


class Starts:
    """Each start of a consumer, which raises the next of `errors` until none is left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errors: list[Exception] = []
        self.failed: list[InputConsumer] = []
        whole = InputConsumer.start

        async def start(consumer: InputConsumer) -> None:
            if self.errors:
                self.failed.append(consumer)
                raise self.errors.pop(0)
            await whole(consumer)

        monkeypatch.setattr(InputConsumer, "start", start)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    return Starts(monkeypatch)


@asynccontextmanager
async def watched(
    context: ServiceContext, *, silent_seconds: float = 1
) -> AsyncIterator[tuple[Intake, "asyncio.Task[None]"]]:
    """An intake whose consumer is replaced after so long a silence, and the task in which it runs."""
    intake = recording_intake(context)
    monitor = LagMonitor(intake.reader, intake.applier, context.health, silent_seconds=silent_seconds)
    await intake.start()
    task = asyncio.create_task(
        run_until_one_ends(intake.applier.run, monitor.run, intake.reader.assignment.raise_alarm)
    )
    try:
        await eventually(lambda: _has_partition(intake))
        yield intake, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await intake.stop(10)


async def _has_partition(intake: Intake) -> bool:
    return bool(intake.reader.positions.next_offsets)


async def fall_silent(intake: Intake, topic: Topic) -> Any:
    """Its consumer, which returns nothing any more although there is a record."""
    silent = intake.reader.consumer
    silent.pause(*silent.assignment())
    await topic.send(b"a")
    return silent


@pytest.mark.rule("G5")
async def test_a_new_consumer_that_cannot_start_is_tried_again_and_ready_says_why(
    context: ServiceContext, topic: Topic, starts: Starts
) -> None:
    async with watched(context) as (intake, task):
        starts.errors = [KafkaConnectionError("away"), AssertionError(), *[KafkaConnectionError("still away")] * 3]
        silent = await fall_silent(intake, topic)
        await eventually(lambda: _says(context, "still away"))
        await eventually(lambda: has_applied(context.engine, 1))
        await eventually(lambda: _says(context, ""))
        assert intake.reader.consumer is not silent
        assert not task.done()


async def _says(context: ServiceContext, text: str) -> bool:
    """Whether `/ready` has this text as the trouble of `consuming`; an empty one: whether there is none."""
    trouble = context.health.unready.get("consuming", "")
    return text in trouble if text else not trouble


async def test_a_new_consumer_that_the_broker_will_never_take_is_an_alarm(
    context: ServiceContext, topic: Topic, starts: Starts
) -> None:
    async with watched(context) as (intake, task):
        starts.errors = [InvalidSessionTimeoutError()]
        await fall_silent(intake, topic)
        with pytest.raises(Alarm, match="InvalidSessionTimeoutError"):
            await asyncio.wait_for(task, PATIENCE)


@pytest.mark.rule("G5")
async def test_a_consumer_whose_part_for_the_group_has_died_is_replaced_though_nothing_can_be_committed(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(context) as (intake, _):
        broken = intake.reader.consumer
        monkeypatch.setattr(broken._coordinator, "ensure_coordinator_known", _raise(ZeroDivisionError()))
        broken.rejoin()  # the task that speaks with the group ends with this error
        await fall_silent(intake, topic)
        await eventually(lambda: has_applied(context.engine, 1))
        assert intake.reader.consumer is not broken


@pytest.mark.rule("G5")
async def test_a_consumer_whose_client_answers_nothing_any_more_is_replaced(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that still asks for brokers at addresses which they have left."""
    monkeypatch.setattr(lag, "_TIMEOUT_SECONDS", 0.5)
    async with watched(context) as (intake, task):
        hanging = intake.reader.consumer
        hanging.pause(*hanging.assignment())
        monkeypatch.setattr(hanging, "end_offsets", lambda _: asyncio.Event().wait())
        await topic.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        await eventually(lambda: _says(context, ""))
        assert intake.reader.consumer is not hanging
        assert not task.done()


@pytest.mark.rule("G5")
async def test_a_consumer_that_is_hanging_for_a_short_while_is_kept(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "_TIMEOUT_SECONDS", 0.1)
    async with watched(context, silent_seconds=PATIENCE) as (intake, _):
        kept = intake.reader.consumer
        with monkeypatch.context() as broken:
            broken.setattr(kept, "end_offsets", lambda _: asyncio.Event().wait())
            await eventually(lambda: _says(context, "Kafka does not answer"))
        await eventually(lambda: _says(context, ""))
        assert intake.reader.consumer is kept


async def test_of_a_consumer_that_cannot_leave_its_group_nothing_goes_on(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_intake(context) as (intake, _):
        await eventually(lambda: _has_partition(intake))
        broken = intake.reader.consumer
        connections = list(broken._client._conns.values())
        heartbeats, fetching = broken._coordinator._heartbeat_task, broken._fetcher._fetch_task
        monkeypatch.setattr(broken._coordinator, "_maybe_do_last_autocommit", _raise(ZeroDivisionError()))
        with pytest.raises(KafkaError, match="ZeroDivisionError"):
            await broken.stop()
        assert heartbeats.done()
        assert fetching.done()
        assert connections
        assert not any(connection.connected() for connection in connections)


@pytest.mark.rule("G5")
async def test_ready_says_that_the_group_does_not_answer_while_the_client_asks_again_and_again(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "_SLOW_SECONDS", 0.1)
    answered, whole = asyncio.Event(), InputConsumer.start

    async def late(consumer: InputConsumer) -> None:
        await answered.wait()
        await whole(consumer)

    monkeypatch.setattr(InputConsumer, "start", late)
    intake = recording_intake(context)
    starting = asyncio.create_task(intake.start())
    await eventually(lambda: _says(context, "Kafka has not answered for 0.1 s, asked for its consumer group"))
    answered.set()
    await asyncio.wait_for(starting, PATIENCE)
    assert await _says(context, "")
    await intake.stop(10)


@pytest.mark.rule("G5")
async def test_ready_says_why_the_consumer_returns_nothing_and_it_goes_on_by_itself(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_intake(context):
        await eventually(lambda: _says(context, ""))
        with monkeypatch.context() as broken:
            broken.setattr(AIOKafkaConsumer, "getmany", _raise(GroupAuthorizationFailedError("tests")))
            await topic.send(b"a")
            await eventually(lambda: _says(context, "Kafka: GroupAuthorizationFailedError('tests')"))
        await eventually(lambda: has_applied(context.engine, 1))
        await eventually(lambda: _says(context, ""))


def _raise(error: Exception) -> Any:
    async def stand_in(*_: Any, **__: Any) -> Any:
        raise error

    return stand_in


@pytest.mark.rule("G5")
async def test_a_first_start_that_fails_and_cannot_be_undone_is_waited_for(
    context: ServiceContext, topic: Topic, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts.errors = [GroupAuthorizationFailedError("tests"), AssertionError()]
    await topic.send(b"a")
    with monkeypatch.context() as broken:
        broken.setattr(InputConsumer, "stop", _raise(KafkaTimeoutError()))
        intake = recording_intake(context)
        await asyncio.wait_for(intake.start(), PATIENCE)
    for consumer in starts.failed:
        await consumer.stop()
    applying = asyncio.create_task(intake.run())
    await eventually(lambda: has_applied(context.engine, 1))
    applying.cancel()
    await asyncio.gather(applying, return_exceptions=True)
    await intake.stop(10)


async def test_a_copy_whose_consumer_cannot_stop_stops_without_an_error(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_intake(context) as (intake, _):
        consumer = intake.reader.consumer
        with monkeypatch.context() as broken:
            broken.setattr(consumer, "stop", _raise(KafkaTimeoutError()))
            await intake.stop(10)
        await consumer.stop()


@pytest.mark.rule("G1", "G5")
async def test_records_whose_consumer_does_not_know_its_position_for_a_while_are_not_skipped(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [KafkaTimeoutError(), GroupAuthorizationFailedError("tests")]
    position = InputConsumer.position

    async def at_first_unknown(consumer: InputConsumer, partition: TopicPartition) -> int:
        if errors:
            raise errors.pop(0)
        return int(await position(consumer, partition))

    async with running_intake(context):
        monkeypatch.setattr(InputConsumer, "position", at_first_unknown)
        await topic.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        await topic.send(b"b")
        await eventually(lambda: has_applied(context.engine, 2))
    assert await applied(context.engine) == ["a", "b"]
    assert not errors
