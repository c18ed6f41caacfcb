"""A database that is older than the topics is noticed, also where it has gone on since, and by a copy of any kind."""

import asyncio

import pytest
from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE
from shared.outbox import log
from shared.outbox.relay import Relay
from shared.outbox.topic_ends import last_sequences
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic, append, entry
from tests.kit.waiting import PATIENCE

PLACE = Partition(LIFECYCLE, 0)
FIRST = b'{"id": "lce-1", "recordedat": "2026-01-01T00:00:00Z", "data": {"contact": "Ada"}}'
SECOND = b'{"id": "lce-2", "recordedat": "2026-01-01T00:00:01Z"}'
SECOND_ANEW = b'{"id": "lce-2", "recordedat": "2026-01-01T09:00:00Z"}'
FORGOTTEN = b'{"id": "lce-1", "recordedat": "2026-01-01T00:00:00Z", "data": {}}'


@pytest.fixture
async def lifecycle(engine: Engine, settings: Settings) -> Topic:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {LIFECYCLE: 1})
    return await Topic(LIFECYCLE, settings).make(1)


async def _publish(topic: Topic, *values: bytes) -> None:
    """As a relay does that knew the database as it was."""
    for sequence, value in enumerate(values, 1):
        await topic.send(value, headers=[("sequence", b"%d" % sequence)])


async def _last_sequences(context: ServiceContext) -> dict[Partition, int]:
    return await last_sequences(context.engine, context.settings)


async def test_the_last_entry_of_each_partition_is_found(context: ServiceContext, lifecycle: Topic) -> None:
    assert await _last_sequences(context) == {}
    await append(context.engine, entry(LIFECYCLE, FIRST), entry(LIFECYCLE, SECOND))
    await _publish(lifecycle, FIRST, SECOND)
    assert await _last_sequences(context) == {PLACE: 2}


async def test_a_log_that_ends_before_its_topic_is_an_alarm_to_every_copy(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await append(context.engine, entry(LIFECYCLE, FIRST))
    await _publish(lifecycle, FIRST, SECOND)
    with pytest.raises(Alarm, match="holds entry 2, but the log ends at 1: the database is older than the topic"):
        await _last_sequences(context)


async def test_a_log_that_has_gone_on_in_place_of_what_was_published_is_the_same_alarm(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await _publish(lifecycle, FIRST, SECOND)
    await append(context.engine, *(entry(LIFECYCLE, value) for value in (FIRST, SECOND_ANEW, SECOND)))
    with pytest.raises(Alarm, match="holds another entry 2 than the log: the database is older than the topic"):
        await asyncio.wait_for(Relay(context, wake=asyncio.Event()).run(), PATIENCE)


async def test_an_entry_from_which_a_person_was_taken_is_the_same_entry(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await append(context.engine, entry(LIFECYCLE, FIRST))
    await _publish(lifecycle, FIRST)
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE log SET value = :value"), {"value": FORGOTTEN})
    assert await _last_sequences(context) == {PLACE: 1}


async def test_what_is_no_event_in_an_entrys_place_is_an_alarm(context: ServiceContext, lifecycle: Topic) -> None:
    await append(context.engine, entry(LIFECYCLE, FIRST))
    await _publish(lifecycle, b"a stranger's")
    with pytest.raises(Alarm, match="holds another entry 1"):
        await _last_sequences(context)
