"""What was read ahead: batches are joined while they wait, as far as there is room, and never across epochs."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition

from shared.kafka.read_ahead import ReadAhead
from shared.kafka.record import Batch, DecodedRecord
from tests.kit.records import kafka_record

HERE, THERE = TopicPartition("purchases", 0), TopicPartition("purchases", 1)


def a_batch(
    *contents: str, epoch: int = 1, reached: int = 0, at: TopicPartition = HERE, read_at: float = 0, value: bytes = b""
) -> Batch:
    record = kafka_record("purchases", value)
    return Batch(epoch, [DecodedRecord(record, content) for content in contents], {at: reached}, read_at)


def contents_of(batch: Batch) -> Sequence[str]:
    return [each.content for each in batch.decoded]


@pytest.fixture
def read_ahead() -> ReadAhead:
    return ReadAhead(max_records=4, max_bytes=100)


async def adding(read_ahead: ReadAhead, batch: Batch) -> "asyncio.Task[None]":
    """The call under way, after everything else had its turn."""
    task = asyncio.create_task(read_ahead.add(batch))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_what_comes_while_a_batch_waits_is_taken_with_it_in_order(read_ahead: ReadAhead) -> None:
    await read_ahead.add(a_batch("a", "b", reached=2, read_at=1.5))
    await read_ahead.add(a_batch("c", reached=3, read_at=2.5))
    await read_ahead.add(a_batch("d", reached=9, at=THERE))
    batch = await read_ahead.take()
    assert contents_of(batch) == ["a", "b", "c", "d"]
    assert batch.reached == {HERE: 3, THERE: 9}
    assert batch.read_at == 1.5
    assert read_ahead.is_empty


async def test_a_batch_for_which_there_is_no_room_waits_until_the_one_before_it_is_taken(
    read_ahead: ReadAhead,
) -> None:
    await read_ahead.add(a_batch("a", "b"))
    third = await adding(read_ahead, a_batch("c", "d", "e"))
    assert not third.done()
    assert contents_of(await read_ahead.take()) == ["a", "b"]
    await third
    assert contents_of(await read_ahead.take()) == ["c", "d", "e"]


async def test_a_batch_that_just_has_room_is_added(read_ahead: ReadAhead) -> None:
    await read_ahead.add(a_batch("a", "b"))
    await read_ahead.add(a_batch("c", "d"))
    assert contents_of(await read_ahead.take()) == ["a", "b", "c", "d"]


async def test_a_batch_that_is_larger_than_all_room_is_taken_alone(read_ahead: ReadAhead) -> None:
    await read_ahead.add(a_batch(*"abcdef"))
    assert contents_of(await read_ahead.take()) == [*"abcdef"]


@pytest.mark.rule("G5")
async def test_what_would_make_a_batch_larger_than_its_bytes_waits_and_what_just_fits_does_not(
    read_ahead: ReadAhead,
) -> None:
    await read_ahead.add(a_batch("a", value=b"v" * 50))
    await read_ahead.add(a_batch("b", value=b"v" * 50))
    third = await adding(read_ahead, a_batch("c", value=b"v"))
    assert not third.done()
    assert contents_of(await read_ahead.take()) == ["a", "b"]
    await third
    await read_ahead.add(a_batch("d", value=b"v" * 99))
    assert contents_of(await read_ahead.take()) == ["c", "d"]


@pytest.mark.rule("G1")
async def test_batches_of_two_epochs_are_never_joined(read_ahead: ReadAhead) -> None:
    await read_ahead.add(a_batch("a", epoch=1))
    second = await adding(read_ahead, a_batch("a", epoch=2))
    assert not second.done()
    assert (await read_ahead.take()).assignment_epoch == 1
    await second
    assert (await read_ahead.take()).assignment_epoch == 2


async def test_whoever_takes_waits_for_a_batch(read_ahead: ReadAhead) -> None:
    taking = asyncio.create_task(read_ahead.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await read_ahead.add(a_batch())
    assert contents_of(await taking) == []
