"""A consumer that is replaced while the database is away: what it returns before it was moved is not applied."""

import asyncio
from typing import Any

import pytest

from shared.contracts.topics import PURCHASES
from shared.kafka.intake import Intake
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import applied, has_applied
from tests.integration.shared.test_broken_consumers import fall_silent, watched
from tests.kit.waiting import eventually


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(1)


@pytest.mark.rule("G1", "G5")
async def test_a_consumer_that_is_replaced_while_the_database_is_away_skips_nothing(
    context: ServiceContext, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the new consumer returns before it was moved to its stored position must not be applied, however far the
    database is back.
    """
    async with watched(context) as (intake, _):
        commits, reads = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(intake.applier, "_commit", _once_back(commits, intake.applier._commit))
        monkeypatch.setattr(intake.reader.positions, "_stored", _once_back(reads, intake.reader.positions._stored))
        silent = await fall_silent(intake, topic)
        await eventually(lambda: _is_another(intake, silent))
        await eventually(lambda: _has_returned(intake))
        commits.set()
        await topic.send(b"b")
        await asyncio.sleep(2)  # long enough for it to be applied, if it could be
        assert await applied(context.engine) == []
        reads.set()
        await eventually(lambda: has_applied(context.engine, 2))
        assert await applied(context.engine) == ["a", "b"]


async def _is_another(intake: Intake, consumer: Any) -> bool:
    return intake.reader.consumer is not None and intake.reader.consumer is not consumer


async def _has_returned(intake: Intake) -> bool:
    """Whether the new consumer has returned the record."""
    return any(intake.reader.consumer._returned.values())


def _once_back(back: asyncio.Event, whole: Any) -> Any:
    """`whole`, which the database being away keeps from working until `back` is set."""

    async def stand_in(*arguments: Any) -> Any:
        if not back.is_set():
            raise Transient("the database is away")
        return await whole(*arguments)

    return stand_in
