"""Who asks for something while its person is just being forgotten gets what there is after the erasure (R48)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

import httpx
import orjson
import pytest
from sqlalchemy import text

from notifier_service.decisions.lifecycle_event import read
from notifier_service.decisions.recipient import apply_event
from notifier_service.storage import erasure, recipients
from notifier_service.unsubscribe_links import UnsubscribeLinks
from shared.contracts.envelope import decode
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.runtime.settings import Settings
from shared.storage.database import transaction
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import event
from tests.integration.notifier.test_bounces import waits_for_a_lock
from tests.kit.events import FINANCE, account
from tests.kit.tokens import operator
from tests.kit.waiting import eventually

PUBLIC: Final = "http://tenure.example"
LEFT: Final = text(
    "SELECT kind FROM preference WHERE account_id = :who"
    " UNION ALL SELECT kind FROM unsubscription WHERE account_id = :who"
    " UNION ALL SELECT status FROM notification WHERE account_id = :who AND event IS NOT NULL"
)
pytestmark = pytest.mark.rule("R48")


async def email_ids(notifier: RunningNotifier, environment: Environment, who: str) -> list[str]:
    """Of the sent emails about a renewal: the contact's, then the accountants'."""
    recipients_changed = event("recipients_changed", who, 2, recipients=[FINANCE])
    await environment.publish(event("activated", who, 1), recipients_changed, event("renewed", who, 3))
    await eventually(lambda: environment.has_mails(3))
    await eventually(notifier.nothing_is_queued)
    decisions = reversed(await notifier.decisions(who, kind="renewed"))
    return [one["notification_id"] for one in decisions if one["channel"] == "email"]


@asynccontextmanager
async def erasing(notifier: RunningNotifier, who: str) -> AsyncIterator[None]:
    """The person is forgotten by a transaction that commits when the block ends."""
    erased = read(decode(orjson.dumps(event("erased", who, 4)), (), LIFECYCLE_EVENTS))
    async with transaction(notifier.engine) as connection:
        known = (await recipients.lock(connection, [who]))[who]
        await erasure.forget(connection, who)
        await recipients.save(connection, [apply_event(known, erased, repeats=False)])
        yield


async def asked_meanwhile(notifier: RunningNotifier, who: str, path: str, **arguments: Any) -> httpx.Response:
    """What is answered to a POST that comes while the person is being forgotten."""

    async def waits_or_is_done() -> bool:
        return asked.done() or await waits_for_a_lock(notifier.engine)

    async with erasing(notifier, who):
        asked = asyncio.create_task(notifier.client.post(path, **arguments))
        await eventually(waits_or_is_done)
    return await asked


async def left(notifier: RunningNotifier, who: str) -> list[str]:
    """What is stored of the person's wishes and of emails that wait."""
    async with transaction(notifier.engine) as connection:
        return list((await connection.execute(LEFT, {"who": who})).scalars())


async def test_an_email_of_a_person_who_is_just_being_forgotten_is_not_sent_once_more(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    first = (await email_ids(notifier, environment, who))[0]
    answer = await asked_meanwhile(notifier, who, f"/api/notifications/{first}/resend", headers=operator())
    assert (answer.status_code, await left(notifier, who)) == (HTTPStatus.NOT_FOUND, [])
    assert len(await environment.mails()) == 3


@pytest.mark.parametrize("whose", [0, 1])
async def test_nothing_is_muted_for_a_person_who_is_just_being_forgotten(
    notifier: RunningNotifier, environment: Environment, settings: Settings, whose: int
) -> None:
    who = account()
    email = (await email_ids(notifier, environment, who))[whose]
    links = UnsubscribeLinks(settings.model_copy(update={"public_url": PUBLIC}))
    link = links.url_for("renewed", email)
    assert link
    answer = await asked_meanwhile(notifier, who, link.removeprefix(PUBLIC))
    assert (answer.status_code, await left(notifier, who)) == (HTTPStatus.NOT_FOUND, [])
