"""A copy on a database that is older than its topics decides nothing, however often it is started.

What it decided would make its log as long as the topics again, with other entries in the places of those on them.
"""

import asyncio

import pytest
from sqlalchemy import text

from shared.runtime.errors import Alarm
from shared.runtime.service import run
from shared.runtime.settings import Settings
from shared.storage.database import connect, transaction
from subscription_service.app import SUBSCRIPTION
from tests.integration.subscription.serving import serving
from tests.kit.events import account, purchase
from tests.kit.ports import free_port
from tests.kit.waiting import PATIENCE


async def _asked(settings: Settings, statement: str) -> list[int]:
    engine = connect(settings.database_url.get_secret_value(), "subscription")
    async with transaction(engine) as connection:
        found = await connection.execute(text(statement))
        rows = [row[0] for row in found] if found.returns_rows else []
    await engine.dispose()
    return rows


@pytest.mark.rule("G2")
async def test_what_an_older_database_lacks_is_not_decided_anew(settings: Settings) -> None:
    who = account()
    async with serving(settings) as world:
        await world.publish(purchase(who))
        await world.settle()
        assert await world.kinds(who) == ["activated"]
    await _asked(settings, "DROP SCHEMA subscription CASCADE")
    for _ in range(2):
        with pytest.raises(Alarm, match="the database is older than the topic"):
            await asyncio.wait_for(run(SUBSCRIPTION, settings.model_copy(update={"http_port": free_port()})), PATIENCE)
        assert await _asked(settings, "SELECT count(*) FROM log") == [0]
