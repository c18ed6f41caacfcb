"""What a stored position means: it follows the consumer, also past what is no record; and when a gap is an alarm.

Decision 0011. Retention is played by deleting records up to an offset.
"""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE, PURCHASES
from shared.kafka.intake import Intake
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from shared.storage import stored_positions
from shared.storage.database import transaction
from shared.storage.stored_positions import Partition, Position
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import applied, has_applied, running_intake
from tests.kit.waiting import PATIENCE, eventually

FIRST = Partition(PURCHASES, 0)
LIFE = Partition(LIFECYCLE, 0)


@pytest.fixture
async def purchases(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(1)


@pytest.fixture
async def lifecycle(settings: Settings) -> Topic:
    return await Topic(LIFECYCLE, settings).make(1)


async def _position(context: ServiceContext, partition: Partition = FIRST) -> Position:
    async with transaction(context.engine) as connection:
        return (await stored_positions.positions(connection))[partition]


async def _stands_at(context: ServiceContext, offset: int, partition: Partition = FIRST) -> bool:
    async with transaction(context.engine) as connection:
        return (await stored_positions.stored(connection)).get(partition) == offset


async def _publish(topic: Topic, *sequences: int) -> None:
    """Records as a relay publishes them."""
    for sequence in sequences:
        await topic.send(b"%d" % sequence, headers=[("sequence", b"%d" % sequence)])


@pytest.mark.parametrize("commit", [True, False])
async def test_a_position_follows_the_consumer_past_a_transaction_without_more_records(
    context: ServiceContext, purchases: Topic, commit: bool
) -> None:
    async with running_intake(context):
        await purchases.send_in_transaction(b"a", b"b", commit=commit)
        await eventually(lambda: _stands_at(context, 3))
    assert await applied(context.engine) == (["a", "b"] if commit else [])


@pytest.mark.parametrize("commit", [True, False])
async def test_a_partition_of_transactions_that_retention_has_emptied_stops_no_restart(
    context: ServiceContext, purchases: Topic, commit: bool
) -> None:
    async with running_intake(context):
        await purchases.send_in_transaction(b"a", commit=commit)
        await eventually(lambda: _stands_at(context, 2))
    await purchases.delete_before(2)
    async with running_intake(context):
        await purchases.send(b"later")
        await eventually(lambda: has_applied(context.engine, 1 + commit))
    assert (await applied(context.engine))[-1] == "later"


async def test_an_idle_consumer_moves_nothing_in_the_database(context: ServiceContext, purchases: Topic) -> None:
    async with running_intake(context):
        await purchases.send_in_transaction(b"a")
        await eventually(lambda: _stands_at(context, 2))
        before = await _row_version(context)
        await asyncio.sleep(1.5)
        assert await _row_version(context) == before


async def _row_version(context: ServiceContext) -> int:
    async with transaction(context.engine) as connection:
        return int((await connection.execute(text("SELECT xmin::text::bigint FROM input_offset"))).scalar_one())


async def test_unread_records_that_were_deleted_while_the_service_was_away_are_an_alarm(
    context: ServiceContext, purchases: Topic
) -> None:
    async with running_intake(context):
        await purchases.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
    await purchases.send(b"lost", b"kept")
    await purchases.delete_before(2)
    async with running_intake(context) as (_, task):
        with pytest.raises(Alarm, match=r"purchases-0: the stored position 1 lies outside .* \(2 to 3\)"):
            await asyncio.wait_for(task, PATIENCE)
    assert await applied(context.engine) == ["a"]


async def test_unread_records_that_are_deleted_while_the_service_is_frozen_are_an_alarm(
    context: ServiceContext, purchases: Topic
) -> None:
    async with running_intake(context) as (intake, task):
        await purchases.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        await _freeze(intake)
        await purchases.send(b"lost", b"lost", b"lost", b"kept")
        await purchases.delete_before(4)
        _thaw(intake)
        with pytest.raises(Alarm, match=r"the stored position 1 lies outside .* \(4 to 5\)"):
            await asyncio.wait_for(task, PATIENCE)
    assert await applied(context.engine) == ["a"]


async def test_what_was_read_before_it_was_deleted_is_applied_before_the_alarm(
    context: ServiceContext, purchases: Topic
) -> None:
    async with running_intake(context) as (intake, task):
        await purchases.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        async with transaction(context.engine) as connection:
            await connection.execute(text("LOCK TABLE applied"))
            await purchases.send(b"b")
            await eventually(lambda: _is_applying(intake))
            await _freeze(intake)
            await purchases.send(b"lost")
            await purchases.delete_before(3)
            _thaw(intake)
            await eventually(lambda: _is_lost(intake))
        with pytest.raises(Alarm, match=r"the stored position 2 lies outside .* \(3 to 3\)"):
            await asyncio.wait_for(task, PATIENCE)
    assert await applied(context.engine) == ["a", "b"]


async def _is_applying(intake: Intake) -> bool:
    return intake.applier.is_busy


async def _is_lost(intake: Intake) -> bool:
    return bool(intake.reader.consumer.out_of_range)


async def _freeze(intake: Intake) -> None:
    """No fetch is under way, and none begins: as when the process gets no time."""
    consumer = intake.reader.consumer
    consumer.pause(*consumer.assignment())
    await asyncio.sleep(0.7)  # a fetch under way takes 0.5 s at most, and what it brings is not returned


def _thaw(intake: Intake) -> None:
    consumer = intake.reader.consumer
    consumer.resume(*consumer.assignment())


async def test_a_position_after_the_end_is_an_alarm_also_while_running(
    context: ServiceContext, settings: Settings, purchases: Topic
) -> None:
    async with running_intake(context) as (_, task):
        await purchases.send(b"a", b"b")
        await eventually(lambda: has_applied(context.engine, 2))
        await purchases.delete()
        await eventually(lambda: _is_gone(purchases))
        await purchases.make(1)
        with pytest.raises(Alarm, match=r"the stored position 2 lies outside .* \(0 to 0\)"):
            await asyncio.wait_for(task, PATIENCE)


async def _is_gone(topic: Topic) -> bool:
    async with topic.admin() as client:
        return topic.name not in await client.list_topics()


@pytest.mark.parametrize("frozen", [True, False])
async def test_a_gap_is_no_alarm_where_the_next_sequence_follows_the_last_one(
    context: ServiceContext, lifecycle: Topic, frozen: bool
) -> None:
    await _to_gap(context, lifecycle, frozen=frozen, deleted=())
    async with running_intake(context, LIFECYCLE):
        await eventually(lambda: _stands_at(context, 3, LIFE))
        assert await _position(context, LIFE) == Position(3, sequence=2, gap_from=2)
        await _publish(lifecycle, 3)
        await eventually(lambda: has_applied(context.engine, 3))
    assert await _position(context, LIFE) == Position(4, sequence=3)


async def test_a_gap_whose_next_sequence_does_not_follow_is_an_alarm_that_names_what_is_missing(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await _to_gap(context, lifecycle, frozen=False, deleted=(3, 4))
    async with running_intake(context, LIFECYCLE) as (_, task):
        await _publish(lifecycle, 5)
        with pytest.raises(Alarm, match=r"lifecycle-0: entries 3 to 4 are missing.*offsets from 2"):
            await asyncio.wait_for(task, PATIENCE)
    async with running_intake(context, LIFECYCLE) as (_, task):
        with pytest.raises(Alarm, match="entries 3 to 4 are missing"):
            await asyncio.wait_for(task, PATIENCE)
    assert await applied(context.engine) == ["1", "2"]


async def test_a_gap_is_remembered_over_restarts_until_a_sequence_comes(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await _to_gap(context, lifecycle, frozen=False, deleted=(3,))
    async with running_intake(context, LIFECYCLE):
        await eventually(lambda: _stands_at(context, 3, LIFE))
    async with running_intake(context, LIFECYCLE):
        await lifecycle.send(b"without a sequence")
        await eventually(lambda: has_applied(context.engine, 3))
    async with running_intake(context, LIFECYCLE) as (_, task):
        await _publish(lifecycle, 4)
        with pytest.raises(Alarm, match="entries 3 to 3 are missing"):
            await asyncio.wait_for(task, PATIENCE)


async def test_a_gap_in_a_topic_with_sequence_is_an_alarm_where_the_last_sequence_is_not_known(
    context: ServiceContext, lifecycle: Topic
) -> None:
    await _to_gap(context, lifecycle, frozen=False, deleted=())
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE input_offset SET sequence = NULL"))
    async with running_intake(context, LIFECYCLE) as (_, task):
        with pytest.raises(Alarm, match="the stored position 2 lies outside"):
            await asyncio.wait_for(task, PATIENCE)


async def test_what_was_published_again_follows_too(context: ServiceContext, lifecycle: Topic) -> None:
    await _to_gap(context, lifecycle, frozen=False, deleted=())
    async with running_intake(context, LIFECYCLE):
        await _publish(lifecycle, 2, 3)
        await eventually(lambda: has_applied(context.engine, 4))
    assert await _position(context, LIFE) == Position(5, sequence=3)


async def test_a_topic_that_was_made_anew_proves_with_its_first_sequence_that_none_is_missing(
    context: ServiceContext, lifecycle: Topic
) -> None:
    async with running_intake(context, LIFECYCLE):
        await _publish(lifecycle, 1, 2)
        await eventually(lambda: has_applied(context.engine, 2))
    await lifecycle.delete()
    await eventually(lambda: _is_gone(lifecycle))
    await lifecycle.make(1)
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE input_offset SET next_offset = 0, gap_from = 0"))
    async with running_intake(context, LIFECYCLE) as (_, task):
        await _publish(lifecycle, 4)
        with pytest.raises(Alarm, match="entries 3 to 3 are missing"):
            await asyncio.wait_for(task, PATIENCE)


async def test_a_new_partition_whose_first_records_were_deleted_unread_is_an_alarm(
    context: ServiceContext, lifecycle: Topic
) -> None:
    async with running_intake(context, LIFECYCLE):
        await eventually(lambda: _stands_at(context, 0, LIFE))
    await _publish(lifecycle, 1, 2)
    await lifecycle.delete_before(1)
    async with running_intake(context, LIFECYCLE) as (_, task):
        with pytest.raises(Alarm, match="entries 1 to 1 are missing"):
            await asyncio.wait_for(task, PATIENCE)


async def _to_gap(context: ServiceContext, topic: Topic, *, frozen: bool, deleted: Sequence[int]) -> None:
    """Entries 1 and 2 are applied; then `deleted`, or an aborted record, are written and deleted unread."""
    async with running_intake(context, LIFECYCLE) as (intake, _):
        await _publish(topic, 1, 2)
        await eventually(lambda: has_applied(context.engine, 2))
        await eventually(lambda: _stands_at(context, 2, LIFE))
        if frozen:
            await _freeze(intake)
            await _write_and_delete(topic, deleted)
            _thaw(intake)
            await eventually(lambda: _stands_at(context, 3, LIFE))
    if not frozen:
        await _write_and_delete(topic, deleted)


async def _write_and_delete(topic: Topic, sequences: Sequence[int]) -> None:
    await (_publish(topic, *sequences) if sequences else topic.send(b"control"))
    await topic.delete_before(2 + max(1, len(sequences)))
