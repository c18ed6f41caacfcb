"""A notifier on a database that is older than its topics tells nobody anything, however often it is started."""

import asyncio

import pytest
from sqlalchemy import text

from notifier_service.app import NOTIFIER
from shared.contracts.topics import OUTCOMES
from shared.runtime.errors import Alarm
from shared.runtime.service import run
from shared.runtime.settings import Settings
from shared.storage.database import connect, transaction
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import SCHEMA, running_notifier
from tests.integration.notifier.samples import event
from tests.integration.shared.environment import Topic
from tests.kit.events import account
from tests.kit.ports import free_port
from tests.kit.waiting import PATIENCE, eventually


async def _starts_in_vain(settings: Settings) -> None:
    with pytest.raises(Alarm, match="the database is older than the topic"):
        await asyncio.wait_for(run(NOTIFIER, settings.model_copy(update={"http_port": free_port()})), PATIENCE)


async def _forget_everything(settings: Settings) -> None:
    """The oldest backup there can be."""
    engine = connect(settings.database_url.get_secret_value(), SCHEMA)
    async with transaction(engine) as connection:
        await connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
    await engine.dispose()


@pytest.mark.rule("G3")
async def test_events_of_which_an_older_database_knows_nothing_are_not_told_again(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    async with running_notifier(settings) as notifier:
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: notifier.has_email(who, "delivered"))
        await environment.outcomes(2)
    await _forget_everything(settings)
    for _ in range(2):
        await _starts_in_vain(settings)
    assert len(await environment.mails()) == 1


@pytest.mark.rule("G3")
async def test_an_email_that_waits_in_an_older_database_is_not_sent(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    async with running_notifier(settings.model_copy(update={"smtp_port": free_port()})) as notifier:
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: notifier.has_email(who, "queued"))
    await Topic(OUTCOMES, settings).send(b"{}", headers=[("sequence", b"9")])
    await _starts_in_vain(settings)
    assert await environment.mails() == []
