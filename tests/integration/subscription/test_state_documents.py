"""State documents are made when they are published: the log holds that one changed, and the last one always arrives."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.contracts.topics import PURCHASES, SERVER_INVENTORY, STATE
from shared.runtime.settings import Settings
from shared.storage.database import Engine, after_commit, connect, transaction
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.serving import serving
from tests.kit.events import START, account, credit, event, purchase, renewal
from tests.kit.tokens import operator
from tests.kit.waiting import eventually

_VALUES: Final = text(f"SELECT octet_length(value), octet_length(headers) FROM log WHERE topic = '{STATE}'")


def server(who: str, server_id: str) -> tuple[str, bytes]:
    return record(SERVER_INVENTORY, event("server.registered", START, account_id=who, server_id=server_id, cores=2))


def documents(core: Core, up_to: int | None = None) -> list[Any]:
    """What the relay would publish on `subscription-state`, for so many entries of the log."""
    return [orjson.loads(value) for value in core.published(STATE, up_to=up_to)]


@pytest.mark.rule("R18")
def test_a_document_made_from_memory_is_the_one_that_is_made_from_the_row(core: Core) -> None:
    who, other = account(), account()
    core.begin()
    core.receive(
        Batch(START, [record(PURCHASES, purchase(who)), server(who, "s-1"), record(PURCHASES, credit(other, "5.00"))]),
        Batch(START + timedelta(days=1), [record(PURCHASES, credit(who, "7.00"))]),
    )
    core.run_due(START + timedelta(days=400))
    from_memory = core.published(STATE)
    assert core.published(STATE) == from_memory  # each is in memory once, so these come from the rows
    assert {one["account_id"]: one["state"] for one in documents(core)} == {who: "released", other: "none"}


@pytest.mark.rule("G2")
def test_another_leader_gives_nothing_from_memory_since_a_later_document_may_have_been_published(core: Core) -> None:
    """Revision 2 is in this copy's memory; another copy has made revision 3, and the leader before may have sent it."""
    who = account()
    core.begin()
    core.receive(Batch(START, [record(PURCHASES, purchase(who))]), Batch(START, [server(who, "s-1")]))
    stale = core.recent.take(who, revision=2)
    assert stale is not None
    core.receive(Batch(START, [record(PURCHASES, credit(who, "7.00"))]))
    core.recent.clear()
    core.recent.keep([stale])
    core.begin_publishing()
    assert [one["revision"] for one in documents(core, up_to=2)] == [3]


def test_the_log_holds_of_a_state_document_that_it_changed_and_nothing_more(core: Core) -> None:
    who = account()
    core.begin()
    core.receive(Batch(START, [record(PURCHASES, purchase(who))]), Batch(START, [server(who, "s-1")]))

    async def sizes(connection: Any) -> list[Any]:
        return [tuple(row) for row in await connection.execute(_VALUES)]

    assert all(value is None and headers < 40 for value, headers in core.reading(sizes))
    assert len(core.reading(sizes)) == 2
    assert [one["revision"] for one in documents(core)] == [2]


def test_a_transaction_that_is_rolled_back_leaves_nothing_in_memory(core: Core) -> None:
    who = account()
    core.begin()
    core.receive(Batch(START, [record(PURCHASES, purchase(who))]))
    core.roll_back(Batch(START, [record(PURCHASES, credit(who, "9.00"))]))
    core.receive(Batch(START, [record(PURCHASES, credit(who, "1.00"))]))
    assert [(one["revision"], one["balance"]) for one in documents(core)] == [(2, "1.00")]


async def test_what_shall_happen_after_a_commit_does_not_happen_where_the_transaction_fails(database_url: str) -> None:
    engine, done = connect(database_url, "public"), list[str]()
    with pytest.raises(DBAPIError):
        await _execute_and_do(engine, "SELECT 1 / 0", partial(done.append, "failed"))
    await _execute_and_do(engine, "SELECT 1", lambda: done.append("committed"))
    assert done == ["committed"]
    await engine.dispose()


async def _execute_and_do(engine: Engine, statement: str, act: Callable[[], object]) -> None:
    async with transaction(engine) as connection:
        after_commit(connection, act)
        await connection.execute(text(statement))


@pytest.mark.rule("G1", "G2")
async def test_what_a_leader_committed_and_did_not_publish_is_published_by_its_successor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, whole = account(), AIOKafkaProducer.commit_transaction
    async with serving(settings) as world:
        await world.publish(purchase(who, world.now))
        await eventually(lambda: _has_revision(world, who, 1))
        await eventually(lambda: _is_published(world, who, 1))

        async def never(_: AIOKafkaProducer) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", never)
        await world.publish(renewal(who, world.now))
        await eventually(lambda: _has_revision(world, who, 2))
        await world.publish(credit(who, "5.00"))
        await eventually(lambda: _has_revision(world, who, 3))
    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", whole)
    async with serving(settings) as world:
        await eventually(lambda: _is_published(world, who, 3))
        states = await world.states(who)
        assert [one["revision"] for one in states] == [1, 3]
        assert states[-1] == await world.get(who)


async def _has_revision(world: Any, who: str, revision: int) -> bool:
    answer = await world.client.get(f"/api/accounts/{who}", headers=operator())
    return bool(answer.status_code == 200 and answer.json()["revision"] == revision)


async def _is_published(world: Any, who: str, revision: int) -> bool:
    return any(one["revision"] == revision for one in await world.states(who))
