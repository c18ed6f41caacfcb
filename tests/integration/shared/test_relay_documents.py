"""The relay publishes documents in the places of changes, also where it has to begin again after one passed over."""

import asyncio
from collections.abc import Mapping
from functools import partial

import pytest
from sqlalchemy import text

from shared.contracts.topics import STATE
from shared.outbox import log, progress
from shared.outbox.documents import Document, documents_changed
from shared.outbox.relay import Relay
from shared.runtime.components import ServiceContext
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic, append, entry
from tests.kit.waiting import PATIENCE, eventually

PLACE = Partition(STATE, 0)


class Latest:
    """The documents that exist, by key: their revisions."""

    def __init__(self, **revisions: int) -> None:
        self.revisions = revisions

    def forget(self) -> None:
        """Nothing is kept."""

    async def latest(self, changed: Mapping[str, int]) -> Mapping[str, Document]:
        return {key: Document(self.revisions[key], key.encode()) for key in changed if key in self.revisions}


@pytest.fixture
async def topic(engine: Engine, settings: Settings) -> Topic:
    """`subscription-state` with one partition, in the log and on the broker."""
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {STATE: 1})
    return await Topic(STATE, settings).make(1)


async def published(context: ServiceContext, latest: Latest, end: int) -> None:
    """Run a relay until it has published up to this sequence, and stored that."""
    relay = Relay(context, wake=asyncio.Event(), documents={STATE: latest})
    running = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await relay.wait_until_published({PLACE: end})
            await eventually(lambda: _has_stored(context.engine, end))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _has_stored(engine: Engine, end: int) -> bool:
    async with transaction(engine) as connection:
        return bool((await connection.execute(text("SELECT published FROM relay_position"))).scalar() == end)


async def on(topic: Topic) -> list[tuple[bytes, bytes]]:
    """Sequence and value of every record on the topic; no record has another header."""
    records = await topic.records()
    assert all([name for name, _ in record.headers] == ["sequence"] for record in records)
    return [(dict(record.headers)["sequence"], record.value) for record in records]


def _changed(*changes: tuple[str, int]) -> log.Entry:
    [made] = documents_changed(STATE, ((0, *change) for change in changes))
    return made


@pytest.mark.rule("G2")
async def test_a_log_that_ends_with_changes_passed_over_is_published_to_its_end_and_goes_on_after_a_restart(
    context: ServiceContext, topic: Topic
) -> None:
    latest = Latest(a=2)
    await append(context.engine, entry(STATE, b"of an older version"), _changed(("a", 1)))
    await append(context.engine, _changed(("a", 2)), _changed(("gone", 1)))
    await published(context, latest, 4)
    assert await on(topic) == [(b"1", b"of an older version"), (b"3", b"a")]
    await append(context.engine, _changed(("gone", 2)))
    await published(context, latest, 5)
    await append(context.engine, _changed(("a", 3)))
    latest.revisions["a"] = 3
    await published(context, latest, 6)
    assert [sequence for sequence, _ in await on(topic)] == [b"1", b"3", b"6"]


@pytest.mark.rule("G2")
async def test_a_leader_that_follows_one_that_failed_within_an_entry_publishes_nothing_of_it_twice(
    context: ServiceContext, topic: Topic
) -> None:
    latest = Latest(a=1, b=1)
    await append(context.engine, _changed(("a", 1), ("b", 1), ("gone", 1)))
    await published(context, latest, 3)
    async with transaction(context.engine) as connection:
        await connection.execute(text("UPDATE relay_position SET published = 0"))
    await append(context.engine, _changed(("b", 2)), _changed(("a", 2)))
    latest.revisions |= {"a": 2, "b": 2}
    await published(context, latest, 5)
    assert await on(topic) == [(b"1", b"a"), (b"2", b"b"), (b"4", b"b"), (b"5", b"a")]


async def test_a_transaction_of_the_relay_ends_after_the_entry_with_the_last_sequence_that_it_may_hold(
    context: ServiceContext, topic: Topic
) -> None:
    await append(context.engine, *(_changed(("a", each), ("b", each)) for each in range(1, 5)))
    async with transaction(context.engine) as connection:
        read = partial(progress.next_entries, connection, at_most=3, bytes_at_most=1)
        assert [entry[2] for entry in await read({PLACE: 0})] == [2, 4]
        assert [entry[2] for entry in await read({PLACE: 5})] == [6, 8]
