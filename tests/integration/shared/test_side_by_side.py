"""A batch of many records is applied in two transactions at the same time; each stands and falls by itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import pytest

from shared.contracts.topics import PURCHASES
from shared.kafka.intake import build_intake
from shared.kafka.record import DecodedRecord
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.log_lines import LogMessage
from shared.storage.database import Connection
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import Recording, applied, has_applied
from tests.kit.waiting import eventually

_RECORDS: Final = 300
"""Per partition: together so many that the batch is divided."""


class Overlapping(Recording):
    """Sees how many transactions are under way at once, and where each began.

    `fails_at`: in this partition the first transaction that has another one beside it fails.
    """

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.most_at_once = 0
        self.begun: list[tuple[int, int]] = []
        self._at_once = 0
        self._fails_at = fails_at

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        first = decoded[0].record
        self.begun.append((first.partition, first.offset))
        self._at_once += 1
        try:
            await asyncio.sleep(0.05)
            self.most_at_once = max(self.most_at_once, self._at_once)
            if self._at_once == 2 and self._fails_at == first.partition:
                self._fails_at = None
                raise Transient("not now")
            return await super().apply(connection, decoded)
        finally:
            self._at_once -= 1


@asynccontextmanager
async def running(context: ServiceContext, processor: Overlapping) -> AsyncIterator[None]:
    """An intake with this batch processor, on a topic whose two partitions are filled."""
    topic = await Topic(PURCHASES, context.settings).make(2)
    for partition in (0, 1):
        await topic.send(*[b"%d %03d" % (partition, number) for number in range(_RECORDS)], partition=partition)
    intake = build_intake(context, processor, group="tests", topics=[PURCHASES])
    await intake.start()
    task = asyncio.create_task(intake.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await intake.stop(10)


async def _each_was_applied_once_and_in_order(context: ServiceContext) -> None:
    await eventually(lambda: has_applied(context.engine, 2 * _RECORDS))
    found = await applied(context.engine)
    for partition in "01":
        assert [value for value in found if value[0] == partition] == [
            f"{partition} {number:03d}" for number in range(_RECORDS)
        ]


@pytest.mark.rule("G1", "G2")
async def test_two_transactions_are_under_way_at_once_and_each_partition_stays_in_order(
    context: ServiceContext,
) -> None:
    processor = Overlapping()
    async with running(context, processor):
        await _each_was_applied_once_and_in_order(context)
    assert processor.most_at_once == 2


@pytest.mark.rule("G1", "G5")
@pytest.mark.parametrize("partition", [0, 1])
async def test_where_one_of_the_two_fails_the_other_one_is_not_applied_again(
    context: ServiceContext, partition: int
) -> None:
    processor = Overlapping(fails_at=partition)
    async with running(context, processor):
        await _each_was_applied_once_and_in_order(context)
    again = {place for place in processor.begun if processor.begun.count(place) > 1}
    assert {place for place, _ in again} == {partition}
