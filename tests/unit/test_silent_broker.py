"""Commands at a broker that falls silent in the middle: neither reading nor sending waits for ever."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.errors import Transient
from tenure.topics import NotSent, delivered, read_to_end

PLACE = TopicPartition("topic", 0)


class Consumer:
    """Of a partition that ends at 3; each answer is the records that come and the position after them."""

    def __init__(self, *answers: tuple[list[str], int]) -> None:
        self._answers = list(answers)
        self._position = 0

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    async def end_offsets(self, places: set[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 3)

    async def position(self, _: TopicPartition) -> int:
        if not self._answers and self._position < 0:
            await asyncio.Event().wait()
        return self._position

    async def getmany(self, **_: object) -> dict[TopicPartition, list[str]]:
        await asyncio.sleep(0)
        records: list[str] = []
        if self._answers:
            records, self._position = self._answers.pop(0)
        return {PLACE: records}


async def read(*answers: tuple[list[str], int]) -> list[Any]:
    return list(await read_to_end(cast("AIOKafkaConsumer", Consumer(*answers)), seconds=0.1))


async def test_records_are_read_to_the_end_also_past_those_that_are_not_for_us() -> None:
    assert await read((["a"], 1), ([], 1), ([], 2), (["b"], 3)) == ["a", "b"]


@pytest.mark.parametrize("answers", [[], [(["a"], 1)], [(["a"], -1)]], ids=["at once", "later", "without a position"])
async def test_a_broker_that_falls_silent_is_not_waited_for_without_end(answers: list[tuple[list[str], int]]) -> None:
    with pytest.raises(Transient, match=r"^Kafka has fallen silent: nothing more has come for 0\.1 s$"):
        await read(*answers)


async def test_what_the_broker_does_not_acknowledge_is_not_waited_for_without_end() -> None:
    with pytest.raises(NotSent, match=r"^Kafka did not acknowledge everything: it has not answered for 0\.1 s$"):
        await delivered(asyncio.Event().wait(), seconds=0.1)
