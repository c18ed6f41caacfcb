"""The last visible record of a partition is found before transaction markers and aborted records."""

from shared.kafka.last_records import last_visible
from shared.runtime.settings import Settings
from tests.integration.shared.environment import Topic
from tests.kit.topics import consumer


async def _last_value(topic: Topic) -> bytes | None:
    async with consumer(topic.settings.kafka_bootstrap_servers) as reader:
        found = await last_visible(reader, [topic.at()], ours=lambda record: record.value != b"a stranger's")
    last = found[topic.at()]
    return None if last is None else bytes(last.value)


def _numbered(word: bytes, count: int) -> list[bytes]:
    return [b"%s-%d" % (word, number) for number in range(count)]


async def test_an_empty_partition_has_no_last_record(settings: Settings) -> None:
    assert await _last_value(await Topic("some-topic", settings).make(1)) is None


async def test_the_last_record_before_a_transaction_marker_is_found(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await topic.send_in_transaction(*_numbered(b"kept", 3))
    assert await _last_value(topic) == b"kept-2"


async def test_the_last_record_before_many_aborted_records_is_found(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await topic.send_in_transaction(*_numbered(b"kept", 2))
    await topic.send_in_transaction(*_numbered(b"lost", 400), commit=False)
    assert await _last_value(topic) == b"kept-1"


async def test_a_partition_with_aborted_records_only_has_no_last_record(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await topic.send_in_transaction(*_numbered(b"lost", 40), commit=False)
    assert await _last_value(topic) is None


async def test_the_last_record_before_those_of_somebody_else_is_found(settings: Settings) -> None:
    topic = await Topic("some-topic", settings).make(1)
    await topic.send_in_transaction(*_numbered(b"kept", 2))
    await topic.send(*([b"a stranger's"] * 40))
    assert await _last_value(topic) == b"kept-1"
