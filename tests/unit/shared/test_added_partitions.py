"""Added partitions are named until a copy reads them; the group is joined again when that takes too long."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.kafka import added_partitions
from shared.kafka.added_partitions import AddedPartitions
from shared.runtime.errors import Transient

OLD, NEW = TopicPartition("purchases", 5), TopicPartition("purchases", 6)


class StandIn:
    """A reader, its consumer and its positions in one."""

    def __init__(self) -> None:
        self.consumer = self.positions = self
        self.joined = True
        self.topics = {"purchases": "purchases"}
        self.on_broker = {OLD}
        self.stored = {OLD}
        self.away = False
        self.asked = self.joins = 0

    def existing(self, _: Collection[str]) -> set[TopicPartition]:
        return self.on_broker

    async def begun(self) -> set[TopicPartition]:
        self.asked += 1
        if self.away:
            raise Transient("PostgreSQL")
        return self.stored

    def rejoin(self) -> None:
        self.joins += 1


@pytest.fixture
def reader() -> Any:
    return StandIn()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(added_partitions, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.mark.usefixtures("clock")
async def test_a_partition_is_named_from_when_it_exists_until_any_copy_has_begun_to_read_it(reader: Any) -> None:
    added = AddedPartitions(reader)
    await added.look()
    assert added.reasons == []
    reader.on_broker = {OLD, NEW}
    await added.look()
    assert added.reasons == ["purchases-6 was added and is not read yet"]
    reader.stored = {OLD, NEW}
    await added.look()
    assert added.reasons == []


async def test_the_group_is_joined_again_after_8_s_and_not_before_and_not_at_each_look(
    reader: Any, clock: SimpleNamespace
) -> None:
    added = AddedPartitions(reader)
    reader.on_broker = {OLD, NEW}
    joins = []
    for seconds in (0, 8, 8.1, 16, 16.2):
        clock.now = 1000.0 + seconds
        await added.look()
        joins.append(reader.joins)
    assert joins == [0, 0, 1, 1, 2]


@pytest.mark.usefixtures("clock")
async def test_the_database_is_asked_only_about_what_it_has_not_told_yet(reader: Any) -> None:
    added = AddedPartitions(reader)
    for _ in range(3):
        await added.look()
    assert reader.asked == 1


@pytest.mark.usefixtures("clock")
async def test_while_the_database_is_away_or_the_group_not_joined_nothing_new_is_said(reader: Any) -> None:
    added = AddedPartitions(reader)
    reader.on_broker, reader.away = {OLD, NEW}, True
    await added.look()
    assert added.reasons == []
    reader.away, reader.joined = False, False
    await added.look()
    assert (added.reasons, reader.asked) == ([], 1)
