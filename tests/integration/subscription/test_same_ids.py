"""Two copies that store the ids of the same event at the same moment: one has it, the other finds it."""

import asyncio
from typing import Final

import pytest

from shared.runtime.errors import Transient
from shared.storage.database import Engine, transaction
from subscription_service.handlers import Incoming, Verdict, reread
from subscription_service.storage import deduplication
from tests.integration.subscription.core import record as sent
from tests.integration.subscription.test_replaying import event
from tests.kit.records import kafka_record
from tests.unit.domain.scenario import purchase, when

SCHEMA: Final = "subscription"
NOON: Final = when("2026-01-15 12:00")
UNTIL_IT_WAITS_SECONDS: Final = 0.3


def purchased(number: int) -> Incoming:
    """A purchase; the order's id is the same whatever the number of the event."""
    topic, value = sent(*event(number, NOON, purchase()))
    return reread(kafka_record(topic, value), topic)


async def record(engine: Engine, incoming: Incoming) -> Verdict:
    async with transaction(engine) as connection:
        await deduplication.record_ids(connection, [incoming])
    return incoming.verdict


@pytest.mark.rule("R39")
@pytest.mark.parametrize("number", [1, 2], ids=["the same event", "another event with the same order"])
async def test_the_copy_that_comes_second_tries_again_and_then_finds_it_spent(engine: Engine, number: int) -> None:
    async with transaction(engine) as connection:
        await deduplication.record_ids(connection, [purchased(1)])
        second = asyncio.ensure_future(record(engine, purchased(number)))
        await asyncio.sleep(UNTIL_IT_WAITS_SECONDS)
        assert not second.done()
    with pytest.raises(Transient, match="another copy has just stored one of the ids"):
        await second
    assert await record(engine, purchased(number)) is Verdict.DUPLICATE


@pytest.mark.rule("R39")
async def test_where_the_first_copy_is_rolled_back_the_second_has_it(engine: Engine) -> None:
    seconds: list[asyncio.Future[Verdict]] = []

    async def roll_back() -> None:
        async with transaction(engine) as connection:
            await deduplication.record_ids(connection, [purchased(1)])
            seconds.append(asyncio.ensure_future(record(engine, purchased(1))))
            await asyncio.sleep(UNTIL_IT_WAITS_SECONDS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await roll_back()
    assert await seconds[0] is Verdict.FRESH
