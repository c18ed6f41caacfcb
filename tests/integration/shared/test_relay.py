"""The relay publishes the log exactly once, through restarts and rivals, and stops where topic and log disagree."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from random import Random

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from sqlalchemy import text

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE
from shared.contracts.unreadable import Reason
from shared.kafka import errors
from shared.kafka.dead_letters import dead_letter
from shared.outbox import log
from shared.outbox.relay import Relay
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic, append, entry
from tests.kit.records import kafka_record
from tests.kit.waiting import PATIENCE, eventually

PLACE = Partition(DEAD_LETTERS, 0)
INCOMPRESSIBLE = Random(8).randbytes(17 * 1024 * 1024)


@pytest.fixture(autouse=True)
def _collect_unretrieved_errors() -> Iterator[None]:
    """A fenced client leaves futures whose errors nobody retrieved.

    Where they are collected while CPython 3.11 parses a file, their warning breaks that parse; so collect them here.
    """
    yield
    gc.collect()


@pytest.fixture
async def topic(engine: Engine, settings: Settings) -> Topic:
    """The one output topic, with one partition, in the log and on the broker."""
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {DEAD_LETTERS: 1})
    return await Topic(DEAD_LETTERS, settings).make(1)


def _relay(context: ServiceContext) -> Relay:
    return Relay(context, wake=asyncio.Event())


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _publish_up_to(context: ServiceContext, end: int) -> None:
    """Run a relay of its own until it has published and stored this sequence."""
    relay = _relay(context)
    async with _running(relay), asyncio.timeout(PATIENCE):
        await relay.wait_until_published({PLACE: end})
        await eventually(lambda: _has_stored(context.engine, end))


async def _has_stored(engine: Engine, published: int) -> bool:
    async with transaction(engine) as connection:
        return bool((await connection.execute(text("SELECT published FROM relay_position"))).scalar() == published)


async def _alarm(context: ServiceContext) -> str:
    with pytest.raises(Alarm) as raised:
        await asyncio.wait_for(_relay(context).run(), PATIENCE)
    return str(raised.value)


@pytest.mark.rule("G2")
async def test_each_entry_is_published_once_though_the_stored_position_is_older_than_the_topic(
    context: ServiceContext, topic: Topic
) -> None:
    await append(context.engine, *(entry(DEAD_LETTERS, b"%d" % number) for number in range(5)))
    await _publish_up_to(context, 5)
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE relay_position SET published = 2"))
    await append(context.engine, *(entry(DEAD_LETTERS, b"%d" % number) for number in range(5, 8)))
    await _publish_up_to(context, 8)
    found = await topic.records()
    assert [record.value for record in found] == [b"%d" % number for number in range(8)]
    assert [dict(record.headers)["sequence"] for record in found] == [b"%d" % number for number in range(1, 9)]


@pytest.mark.rule("G2")
async def test_a_new_leader_stores_what_the_one_before_had_published_and_not_stored(
    context: ServiceContext, topic: Topic
) -> None:
    await append(context.engine, *(entry(DEAD_LETTERS, b"%d" % number) for number in range(5)))
    await _publish_up_to(context, 5)
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE relay_position SET published = 2"))
    await _publish_up_to(context, 5)
    assert len(await topic.records()) == 5


@pytest.mark.rule("G5")
@pytest.mark.parametrize("method", ["start", "begin_transaction", "commit_transaction"])
async def test_ready_says_what_kafka_does_not_answer_while_its_client_asks_again_and_again(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(errors, "_SLOW_SECONDS", 0.1)
    answered, whole = asyncio.Event(), getattr(AIOKafkaProducer, method)

    async def late(producer: AIOKafkaProducer) -> None:
        await answered.wait()
        await whole(producer)

    monkeypatch.setattr(AIOKafkaProducer, method, late)
    await append(context.engine, entry(DEAD_LETTERS, b"first"))
    async with _running(_relay(context)):
        await eventually(lambda: _says(context, "Kafka has not answered for 0.1 s, asked for a "))
        answered.set()
        await eventually(lambda: _has_stored(context.engine, 1))
        await eventually(lambda: _says(context, ""))


async def _says(context: ServiceContext, text: str) -> bool:
    """Whether `/ready` has this text as the trouble of `publishing`; an empty one: whether there is none."""
    trouble = context.health.unready.get("publishing", "")
    return text in trouble if text else not trouble


@pytest.mark.rule("G2")
async def test_a_stale_leader_is_fenced_and_publishes_nothing_any_more(context: ServiceContext, topic: Topic) -> None:
    await append(context.engine, entry(DEAD_LETTERS, b"first"))
    wake = asyncio.Event()
    stale = Relay(context, wake=wake)
    async with _running(stale) as overtaken, asyncio.timeout(PATIENCE):
        await stale.wait_until_published({PLACE: 1})
        await _publish_up_to(context, 1)
        await append(context.engine, entry(DEAD_LETTERS, b"second"))
        wake.set()
        with pytest.raises(Transient, match="Kafka"):
            await overtaken
        await _publish_up_to(context, 2)
    assert [record.value for record in await topic.records()] == [b"first", b"second"]


@pytest.mark.rule("G2")
async def test_a_partition_that_retention_has_emptied_goes_on_at_the_stored_position(
    context: ServiceContext, topic: Topic
) -> None:
    await append(context.engine, entry(DEAD_LETTERS, b"old"), entry(DEAD_LETTERS, b"older"))
    await _publish_up_to(context, 2)
    async with topic.admin() as client:
        await client.delete_records({topic.at(): RecordsToDelete(before_offset=3)})
    assert await topic.records() == []
    await append(context.engine, entry(DEAD_LETTERS, b"new"))
    await _publish_up_to(context, 3)
    assert [record.value for record in await topic.records()] == [b"new"]


async def test_a_last_record_after_the_end_of_the_log_is_an_alarm(context: ServiceContext, topic: Topic) -> None:
    await append(context.engine, entry(DEAD_LETTERS, b"1"))
    await topic.send(b"from a later life", headers=[("sequence", b"9")])
    assert "holds entry 9, but the log ends at 1" in await _alarm(context)


async def test_a_last_record_before_what_was_published_is_an_alarm(context: ServiceContext, topic: Topic) -> None:
    await append(context.engine, *(entry(DEAD_LETTERS, b"x") for _ in range(3)))
    await _publish_up_to(context, 3)
    async with topic.admin() as client:
        await client.delete_records({topic.at(): RecordsToDelete(before_offset=4)})
    await topic.send(b"restored", headers=[("sequence", b"1")])
    assert "ends at entry 1, but 3 was published" in await _alarm(context)


@pytest.mark.rule("G2", "G3")
async def test_what_somebody_else_wrote_on_an_output_topic_stops_nothing(context: ServiceContext, topic: Topic) -> None:
    await append(context.engine, entry(DEAD_LETTERS, b"1"))
    await _publish_up_to(context, 1)
    await topic.send(b"a stranger's")
    await append(context.engine, entry(DEAD_LETTERS, b"2"))
    await _publish_up_to(context, 2)
    assert [bytes(each.value) for each in await topic.records()] == [b"1", b"a stranger's", b"2"]


async def test_no_key_no_value_and_any_header_bytes_reach_the_topic_as_they_were(
    context: ServiceContext, topic: Topic
) -> None:
    odd = bytes(range(256))
    empty = log.Entry(
        topic=DEAD_LETTERS,
        partition=0,
        key=None,
        value=None,
        headers=(("x", odd), ("x", b""), ("x", None)),
        enveloped=False,
    )
    await append(context.engine, empty)
    await _publish_up_to(context, 1)
    [record] = await topic.records()
    assert (record.key, record.value) == (None, None)
    assert list(record.headers) == [("x", odd), ("x", b""), ("x", None), ("sequence", b"1")]


async def _limit(topic: Topic, size: int) -> None:
    """Set the topic's `max.message.bytes`."""
    async with topic.admin() as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, {"max.message.bytes": size})])


async def _is_publishing(context: ServiceContext) -> bool:
    return "publishing" not in context.health.unready


def _letter(value: bytes) -> log.Entry:
    record = kafka_record("test.purchases", value, key=b"acct-1")
    return dead_letter(record, Reason.INVALID_DATA, "data: wrong", topic=DEAD_LETTERS, partitions=1)


@pytest.mark.rule("G2")
async def test_a_dead_letter_that_its_topic_does_not_take_is_published_shortened_and_holds_up_none_after_it(
    context: ServiceContext, topic: Topic
) -> None:
    whole = INCOMPRESSIBLE[:200_000]
    await _limit(topic, 100_000)
    await append(context.engine, _letter(b"1"), _letter(whole), _letter(b"3"))
    await _publish_up_to(context, 3)
    first, shortened, third = await topic.records()
    assert (first.value, third.value) == (b"1", b"3")
    assert shortened.value == whole[:65_536]
    told = dict(shortened.headers)
    assert (told["dead-letter-value-size"], told["dead-letter-reason"]) == (b"200000", b"invalid_data")
    assert told["dead-letter-value-sha256"] == sha256(whole).hexdigest().encode()
    assert told["sequence"] == b"2"


async def test_a_topic_that_takes_no_head_either_gets_the_evidence_alone(context: ServiceContext, topic: Topic) -> None:
    await _limit(topic, 5_000)
    await append(context.engine, _letter(INCOMPRESSIBLE[:200_000]), _letter(b"2"))
    await _publish_up_to(context, 2)
    shortened, second = await topic.records()
    assert (shortened.key, shortened.value, second.value) == (b"", b"", b"2")
    assert dict(shortened.headers)["dead-letter-value-size"] == b"200000"


async def test_a_dead_letter_that_its_topic_takes_only_compressed_is_published_whole(
    context: ServiceContext, topic: Topic
) -> None:
    await _limit(topic, 5_000)
    await append(context.engine, _letter(b"x" * 200_000))
    await _publish_up_to(context, 1)
    [whole] = await topic.records()
    assert whole.value == b"x" * 200_000


async def test_batches_get_smaller_for_a_topic_that_takes_less(context: ServiceContext, topic: Topic) -> None:
    await _limit(topic, 3_000)
    values = [INCOMPRESSIBLE[start : start + 1000] for start in range(0, 300_000, 1000)]
    await append(context.engine, *(entry(DEAD_LETTERS, value) for value in values))
    await _publish_up_to(context, 300)
    assert [record.value for record in await topic.records()] == values


async def test_a_topic_that_refuses_small_entries_waits_alone_and_says_so(
    context: ServiceContext, topic: Topic, settings: Settings
) -> None:
    async with transaction(context.engine) as connection:
        await log.fix_partitions(connection, {LIFECYCLE: 1})
    lifecycle = await Topic(LIFECYCLE, settings).make(1)
    await _limit(lifecycle, 200)
    relay = _relay(context)
    random = INCOMPRESSIBLE[:500].hex().encode()
    await append(context.engine, entry(LIFECYCLE, b'{"x": "%s"}' % random), entry(DEAD_LETTERS, b"1"))
    async with _running(relay), asyncio.timeout(PATIENCE):
        await relay.wait_until_published({PLACE: 1})
        await append(context.engine, entry(DEAD_LETTERS, b"2"))
        await relay.wait_until_published({PLACE: 2})
        assert "raise max.message.bytes" in context.health.unready["publishing"]
        await _limit(lifecycle, 100_000)
        await relay.wait_until_published({Partition(LIFECYCLE, 0): 1})
        await eventually(lambda: _is_publishing(context))
    [record] = await lifecycle.records()
    assert random in record.value


async def test_an_entry_of_an_older_version_that_no_broker_takes_is_published_shortened(
    context: ServiceContext, topic: Topic
) -> None:
    await append(context.engine, entry(DEAD_LETTERS, INCOMPRESSIBLE), entry(DEAD_LETTERS, b"2"))
    await _publish_up_to(context, 2)
    assert [len(record.value) for record in await topic.records()] == [65_536, 1]
