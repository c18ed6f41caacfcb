"""Partitions that are added to an input topic under running copies are read within 30 s, and `/ready` names them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import pytest

from shared.contracts.topics import PURCHASES, RENEWALS
from shared.kafka import membership
from shared.kafka.input_topics import InputTopics
from shared.kafka.intake import Intake
from shared.runtime.components import ServiceContext
from shared.runtime.settings import Settings
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic, service_context
from tests.integration.shared.recording import applied, has_applied, running_intake
from tests.kit.waiting import PATIENCE, eventually

ADDED: Final = (6, 7)


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    await Topic(RENEWALS, settings).make(6)
    return await Topic(PURCHASES, settings).make(6)


@asynccontextmanager
async def _copies(context: ServiceContext, *names: str | None) -> AsyncIterator[list[ServiceContext]]:
    """One running copy for each `TENURE_INSTANCE_ID`; begins when each has joined. What each is built from."""
    async with AsyncExitStack() as stack:
        contexts = []
        for name in names:
            settings = context.settings.model_copy(update={"instance_id": name})
            contexts.append(service_context(settings, context.engine))
            intake, _ = await stack.enter_async_context(running_intake(contexts[-1], PURCHASES, RENEWALS))
            await eventually(partial(_is_reading, intake))
        yield contexts


async def _is_reading(intake: Intake) -> bool:
    return intake.reader.joined and bool(intake.reader.positions.next_offsets)


async def _says(context: ServiceContext, partition: int) -> bool:
    name = f"{context.settings.topic_prefix}{PURCHASES}-{partition}"
    return f"{name} was added and is not read yet" in context.health.unready.get("lag", "")


async def _is_ready(context: ServiceContext) -> bool:
    return "lag" not in context.health.unready


async def _grows(topic: Topic) -> None:
    """From 6 to 8 partitions, with a record on each of the new ones."""
    await topic.grow(8)
    for number in ADDED:
        await topic.send(b"%d" % number, partition=number)


@pytest.mark.rule("G4", "R4")
@pytest.mark.parametrize("copies", [1, 2])
async def test_records_on_added_partitions_are_applied_within_30_s_and_what_waits_for_them_goes_on(
    context: ServiceContext, topic: Topic, copies: int
) -> None:
    async with _copies(context, *[None] * copies) as running:
        await _grows(topic)
        inputs = InputTopics([PURCHASES, RENEWALS], settings=context.settings, engine=context.engine)
        ends = await inputs.ends()
        assert {Partition(PURCHASES, number): 1 for number in ADDED}.items() <= ends.items()
        await asyncio.wait_for(inputs.wait_until_applied(ends), PATIENCE)
        assert sorted(await applied(context.engine)) == ["6", "7"]
        for copy in running:
            await eventually(partial(_is_ready, copy))


@pytest.mark.rule("G4", "G5")
async def test_added_partitions_are_read_and_named_meanwhile_also_where_the_leader_of_the_group_does_not_watch(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started again under its name, and never told that it leads."""
    monkeypatch.setattr(membership, "_join_again", lambda _: None)
    async with _copies(context, "one"):
        pass
    async with _copies(context, "one") as (copy,):
        await eventually(partial(_is_ready, copy))
        await _grows(topic)
        await eventually(partial(_says, copy, 6))
        await eventually(partial(has_applied, context.engine, 2))
        await eventually(partial(_is_ready, copy))


@pytest.mark.rule("G5")
async def test_a_topic_that_was_deleted_under_a_running_copy_is_named(context: ServiceContext, topic: Topic) -> None:
    async with _copies(context, None) as (copy,):
        await eventually(partial(_is_ready, copy))
        await topic.delete()
        await eventually(partial(_is_missed, copy, topic))


async def _is_missed(context: ServiceContext, topic: Topic) -> bool:
    return f"{topic.name}-0 was read and is not on the broker any more" in context.health.unready.get("lag", "")
