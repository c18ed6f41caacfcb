"""The last visible record of a partition is found before transaction markers and aborted records."""

from shared.kafka.last_records import last_visible
from shared.runtime.settings import Settings
from tests.integration.shared.environment import Topic
from tests.kit.topics import consumer


async def _last_value(topic: Topic) -> bytes | None:
    async with consumer(topic.settings.kafka_bootstrap_servers) as reader:
        found = (await last_visible(reader, [topic.at()]))[topic.at()]
    return None if found is None else bytes(found.value)


async def _transaction(topic: Topic, count: int, *, commit: bool) -> None:
    """One transaction of `count` numbered records, ended for every reader."""
    writer = f"{topic.name}-writer"
    async with topic.producer(transactional_id=writer) as producer:
        await producer.begin_transaction()
        for number in range(count):
            await producer.send(topic.name, b"%s-%d" % (b"kept" if commit else b"lost", number), partition=0)
        await producer.flush()
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    async with topic.producer(transactional_id=writer):
        pass  # the next producer starts only once the broker has written the markers of the last transaction


async def test_an_empty_partition_has_no_last_record(settings: Settings) -> None:
    assert await _last_value(await Topic("some-topic", settings).make(1)) is None


async def test_the_last_record_before_a_transaction_marker_is_found(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await _transaction(topic, 3, commit=True)
    assert await _last_value(topic) == b"kept-2"


async def test_the_last_record_before_many_aborted_records_is_found(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await _transaction(topic, 2, commit=True)
    await _transaction(topic, 400, commit=False)
    assert await _last_value(topic) == b"kept-1"


async def test_a_partition_with_aborted_records_only_has_no_last_record(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await _transaction(topic, 40, commit=False)
    assert await _last_value(topic) is None
