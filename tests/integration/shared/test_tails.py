"""The last visible record is found behind transaction markers and aborted records."""

from shared.kafka.tails import last_visible
from shared.runtime.settings import Settings
from tests.integration.shared.environment import Topic
from tests.kit.topics import consumer


async def _tail(topic: Topic) -> bytes | None:
    async with consumer(topic.settings.kafka_bootstrap_servers) as reader:
        tails = await last_visible(reader, [topic.at()])
    found = tails[topic.at()]
    return None if found is None else bytes(found.value)


async def _transaction(topic: Topic, count: int, *, commit: bool) -> None:
    """One transaction of `count` records, numbered."""
    async with topic.producer(transactional_id=f"{topic.name}-writer") as producer:
        await producer.begin_transaction()
        for number in range(count):
            await producer.send(topic.name, b"%s-%d" % (b"kept" if commit else b"lost", number), partition=0)
        await producer.flush()
        await (producer.commit_transaction() if commit else producer.abort_transaction())


async def test_an_empty_partition_has_no_tail(settings: Settings) -> None:
    assert await _tail(await Topic("tail", settings).make(1)) is None


async def test_the_tail_before_a_marker_is_found(settings: Settings) -> None:
    topic = await Topic("tail", settings).make(1)
    await _transaction(topic, 3, commit=True)
    assert await _tail(topic) == b"kept-2"


async def test_the_tail_before_many_aborted_records_is_found(settings: Settings) -> None:
    topic = await Topic("tail", settings).make(1)
    await _transaction(topic, 2, commit=True)
    await _transaction(topic, 400, commit=False)
    assert await _tail(topic) == b"kept-1"


async def test_a_partition_with_nothing_but_aborted_records_has_no_tail(settings: Settings) -> None:
    topic = await Topic("tail", settings).make(1)
    await _transaction(topic, 40, commit=False)
    assert await _tail(topic) is None
