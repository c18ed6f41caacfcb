"""Topics as the services create them: their configuration, and that a large record can be published."""

import asyncio
from functools import partial

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts.topics import LIFECYCLE, PURCHASES, STATE, TEST_CLOCK
from shared.kafka.topics import ensure
from shared.outbox import log
from shared.outbox.relay import Relay
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic, append, entry, service_context
from tests.kit.waiting import PATIENCE, eventually

OF_MANY_TERMS = b"x" * 2_000_000


async def _config(topic: Topic, name: str) -> str:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    async with topic.admin() as client:
        (answer,) = await client.describe_configs([resource])
    return {entry[0]: str(entry[1]) for entry in answer.resources[0][4]}[name]


async def test_the_lifecycle_is_kept_30_days_and_the_state_is_compacted(settings: Settings) -> None:
    mine = settings.model_copy(update={"topic_partitions": 2})
    assert await ensure([LIFECYCLE, STATE, PURCHASES, TEST_CLOCK], mine) == {LIFECYCLE: 2, STATE: 2, PURCHASES: 2}
    assert await _config(Topic(LIFECYCLE, mine), "retention.ms") == str(30 * 86_400_000)
    assert await _config(Topic(STATE, mine), "cleanup.policy") == "compact"


async def test_a_topic_that_cannot_be_had_stops_the_start_and_is_named(settings: Settings) -> None:
    with pytest.raises(Alarm, match=rf"Topic {settings.topic_prefix}{PURCHASES} cannot be had: InvalidReplication"):
        await ensure([PURCHASES], settings.model_copy(update={"topic_replication": 3}))


@pytest.mark.rule("G4")
async def test_the_overview_of_an_account_with_thousands_of_terms_holds_up_nobody(
    engine: Engine, settings: Settings
) -> None:
    mine = settings.model_copy(update={"topic_partitions": 1})
    counts = await ensure([STATE], mine)
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, counts)
    await append(engine, entry(STATE, OF_MANY_TERMS), entry(STATE, b"{}"))
    relay = Relay(service_context(mine, engine), wake=asyncio.Event())
    async with asyncio.timeout(PATIENCE):
        await run_until_one_ends(relay.run, partial(relay.wait_until_published, {Partition(STATE, 0): 2}))
    # The broker writes the marker that makes them visible a moment after it has answered the commit.
    records = await eventually(Topic(STATE, mine).records)
    assert [record.value for record in records] == [OF_MANY_TERMS, b"{}"]
