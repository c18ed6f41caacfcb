"""Records that a client cannot decode, on a real broker: stepped over with evidence, and their neighbours go on."""

import asyncio

import pytest

from shared.contracts.topics import PURCHASES
from shared.kafka import lag
from shared.runtime.components import ServiceContext
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import applied, has_applied, running_intake
from tests.kit.damage import damage
from tests.kit.raw_batches import CODECS, produce_raw, raw_batch, raw_record
from tests.kit.waiting import eventually

SECONDS = 8.0
"""Within which neighbours go on."""


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(2)


async def _has_dead_letters(context: ServiceContext, count: int) -> bool:
    return len(await applied(context.engine, dead_letter=True)) >= count


@pytest.mark.rule("G4")
@pytest.mark.parametrize("codec", CODECS)
async def test_a_header_name_that_is_no_utf8_is_one_dead_letter_and_its_neighbours_go_on(
    context: ServiceContext, topic: Topic, codec: str
) -> None:
    bad = raw_record(1, b"bad", [(b"\xff\xfe", b"x")])
    batch = raw_batch(raw_record(0, b"a"), bad, raw_record(2, b"c"), codec=codec)
    async with running_intake(context):
        await produce_raw(context.settings.kafka_bootstrap_servers, topic.name, batch)
        await topic.send(b"d")
        await topic.send(b"other", partition=1)
        await eventually(lambda: has_applied(context.engine, 4), SECONDS)
    assert sorted(await applied(context.engine)) == ["a", "c", "d", "other"]
    assert await applied(context.engine, dead_letter=True) == ["bad"]


@pytest.mark.rule("G4")
@pytest.mark.parametrize("rightly_summed", [False, True])
async def test_a_batch_that_the_disk_has_damaged_is_stepped_over_and_its_neighbours_go_on(
    context: ServiceContext, topic: Topic, kafka: Kafka, rightly_summed: bool
) -> None:
    """Where the checksum is right too, the codec is one that nobody knows."""
    await topic.send(b"a", b"damaged", b"c")
    await topic.send(b"other", partition=1)
    await kafka.stop()
    damage(kafka.folder, topic.name, b"damaged", rightly_summed=rightly_summed)
    await kafka.start()
    async with running_intake(context):
        await topic.send(b"d")
        await eventually(lambda: has_applied(context.engine, 4), SECONDS)
        assert await _has_dead_letters(context, 1)
    assert sorted(await applied(context.engine)) == ["a", "c", "d", "other"]


async def test_a_partition_that_holds_records_and_does_not_move_is_said_with_its_offset(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STILL_SECONDS", 1.0)
    async with running_intake(context) as (intake, _):
        await topic.send(b"a")
        await eventually(lambda: has_applied(context.engine, 1))
        intake.reader.consumer.pause(topic.at())
        await topic.send(b"b")
        await topic.send(b"other", partition=1)
        await eventually(lambda: has_applied(context.engine, 2))

        async def is_shown() -> bool:
            return context.health.unready.get("lag") == expected

        expected = f"{topic.name}-0 holds records from offset 1 on and does not move"
        await eventually(is_shown)
        intake.reader.consumer.resume(topic.at())
        await eventually(lambda: has_applied(context.engine, 3))
        async with asyncio.timeout(SECONDS):
            while "lag" in context.health.unready:
                await asyncio.sleep(0.1)
