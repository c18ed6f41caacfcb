"""Answers of the broker are cleaned in a thread: small ones together, large ones by turns, each partition by itself."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaStorageError, NotLeaderForPartitionError
from aiokafka.protocol.fetch import FetchRequest

from shared.kafka.wire import client
from shared.kafka.wire.client import FetchCleaner
from tests.kit.raw_batches import raw_batch, raw_record, read_back

TOPIC = "purchases"
NO_ERROR = 0


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many partitions each turn of a thread has cleaned."""
    found: list[int] = []

    async def to_thread(run: Callable[[Any], Any], steps: Any) -> Any:
        found.append(len(steps))
        return run(steps)

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    return found


async def cleaned(*answers: tuple[int, bytes], times: int = 1) -> tuple[FetchCleaner, list[list[bytes | None]]]:
    """What the consumer reads of each partition, where the broker gives (error, batches) for one after the other; asked
    so many times for the same.
    """

    async def send(_: int, __: Any) -> Any:
        own = [(number, error, 10, 10, None, batches) for number, (error, batches) in enumerate(answers)]
        return SimpleNamespace(topics=[(TOPIC, own)])

    cleaner = FetchCleaner(send)
    request = FetchRequest(0, 1, 1, 1, [(TOPIC, [(number, 0, 1) for number in range(len(answers))])])
    responses = [await cleaner.send(0, request) for _ in range(times)]
    [(_, own)] = responses[-1].topics
    return cleaner, [[record.value for record in read_back(answer[-1])] for answer in own]


def a_batch(value: bytes) -> bytes:
    return raw_batch(raw_record(0, value))


async def test_a_small_answer_is_not_handed_to_a_thread(turns: list[int]) -> None:
    _, values = await cleaned(*((NO_ERROR, a_batch(b"%d" % number)) for number in range(18)))
    assert values == [[b"%d" % number] for number in range(18)]
    assert turns == []


async def test_answers_of_many_partitions_that_are_small_together_no_more_take_one_turn(turns: list[int]) -> None:
    value = b"v" * 1024
    _, values = await cleaned(*((NO_ERROR, a_batch(value)) for _ in range(18)))
    assert values == [[value]] * 18
    assert turns == [18]


async def test_a_large_answer_ends_its_turn(turns: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_SMALL_BYTES", 0)
    monkeypatch.setattr(client, "_BYTES_AT_ONCE", 1000)
    large = b"v" * 1000
    _, values = await cleaned(*((NO_ERROR, a_batch(value)) for value in (b"a", large, b"b", b"c")))
    assert values == [[b"a"], [large], [b"b"], [b"c"]]
    assert turns == [2, 2]


@pytest.mark.rule("G5")
async def test_a_partition_that_cannot_be_read_leaves_the_others_of_its_answer_alone() -> None:
    cleaner, values = await cleaned(
        (NO_ERROR, a_batch(b"a")), (KafkaStorageError.errno, b""), (NO_ERROR, a_batch(b"c")), times=2
    )
    assert values == [[b"a"], [], [b"c"]]
    assert cleaner.standstills.keys() == {TopicPartition(TOPIC, 1)}
    assert "KafkaStorageError" in cleaner.standstills[TopicPartition(TOPIC, 1)]


@pytest.mark.rule("G5")
async def test_what_cannot_be_read_once_is_no_standstill_yet() -> None:
    """A batch may have been written after the broker looked where its partition ends."""
    cleaner, values = await cleaned((NO_ERROR, raw_batch(raw_record(0, b"a"), base=10)))
    assert (values, cleaner.standstills) == ([[]], {})


async def test_what_the_consumer_does_something_about_is_no_standstill() -> None:
    cleaner, values = await cleaned((NotLeaderForPartitionError.errno, b""), (NO_ERROR, b""))
    assert (values, cleaner.standstills) == ([[], []], {})
