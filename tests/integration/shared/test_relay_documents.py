"""The relay publishes documents in the places of changes, also where it has to begin again after one passed over."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from shared.contracts.topics import STATE
from shared.outbox import log
from shared.outbox.documents import Document, document_changed
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


@pytest.mark.rule("G2")
async def test_a_log_that_ends_with_changes_passed_over_is_published_to_its_end_and_goes_on_after_a_restart(
    context: ServiceContext, topic: Topic
) -> None:
    latest = Latest(a=2)
    await append(context.engine, entry(STATE, b"of an older version"), document_changed(STATE, 0, "a", 1))
    await append(context.engine, document_changed(STATE, 0, "a", 2), document_changed(STATE, 0, "gone", 1))
    await published(context, latest, 4)
    assert await on(topic) == [(b"1", b"of an older version"), (b"3", b"a")]
    await append(context.engine, document_changed(STATE, 0, "gone", 2))
    await published(context, latest, 5)
    await append(context.engine, document_changed(STATE, 0, "a", 3))
    latest.revisions["a"] = 3
    await published(context, latest, 6)
    assert [sequence for sequence, _ in await on(topic)] == [b"1", b"3", b"6"]
