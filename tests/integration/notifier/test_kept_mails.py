"""Mails are kept as they were sent, for their time, and the same event can be told once more."""

import asyncio
import json
from email import message_from_bytes
from email.policy import default
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from notifier_service.housekeeping import Housekeeping
from shared.runtime.settings import Settings
from shared.storage.database import transaction
from shared.testclock.clock import SystemClock
from tenure.__main__ import main
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.settings import write_ready_file
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually


async def kept(notifier: RunningNotifier, notification_id: str) -> httpx.Response:
    return await notifier.client.get(f"/api/notifications/{notification_id}/mail", headers=operator())


async def resend(notifier: RunningNotifier, notification_id: str, **asked: Any) -> httpx.Response:
    path = f"/api/notifications/{notification_id}/resend"
    return await notifier.client.post(path, headers=operator(), json=asked or None)


async def emails(notifier: RunningNotifier, who: str, **asked: Any) -> list[dict[str, Any]]:
    """The decisions about emails of an account, the oldest first."""
    return [one for one in reversed(await notifier.decisions(who, **asked)) if one["channel"] == "email"]


async def test_a_mail_is_kept_as_it_was_sent_and_its_event_is_told_once_more(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.publish(event("activated", who, 1))
    await eventually(lambda: notifier.has_email(who, "delivered"))
    [first] = await emails(notifier, who)
    [sent] = await environment.mails()
    answer = await kept(notifier, first["notification_id"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "message/rfc822")
    assert answer.content.splitlines() == (await environment.raw_mail(sent["id"])).splitlines()

    queued = await resend(notifier, first["notification_id"], operator="o.perez")
    assert (queued.status_code, queued.json()["resend_of"]) == (202, first["notification_id"])
    await eventually(lambda: environment.has_mails(2))
    await eventually(notifier.nothing_is_queued)
    [_, again] = await emails(notifier, who)
    assert again["notification_id"] == queued.json()["notification_id"] != first["notification_id"]
    assert (again["resend_of"], again["operator"], again["kind"]) == (first["notification_id"], "o.perez", "activated")
    assert (first["resend_of"], first["operator"]) == (None, None)
    raw = (await kept(notifier, again["notification_id"])).content
    assert message_from_bytes(raw, policy=default)["X-Tenure-Notification"] == again["notification_id"]
    outcomes = {one["data"]["notification_id"]: one["data"] for one in await environment.outcomes(3)}
    assert outcomes[again["notification_id"]]["resend_of"] == first["notification_id"]


async def test_commands_print_a_mail_and_send_it_once_more(
    notifier: RunningNotifier,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    who = account()
    await environment.publish(event("activated", who, 1))
    await eventually(lambda: notifier.has_email(who, "delivered"))
    first = (await emails(notifier, who))[0]["notification_id"]
    monkeypatch.chdir(tmp_path)
    write_ready_file(notifier_url=str(notifier.client.base_url))
    assert await asyncio.to_thread(main, ["mails", "show", first]) == 0
    assert f"X-Tenure-Notification: {first}\n" in capsys.readouterr().out
    for _ in range(2):
        command = ["mails", "resend", first, "--yes", "--operator", "b.liu", "--json"]
        assert await asyncio.to_thread(main, command) == 0
        assert json.loads(capsys.readouterr().out)["resend_of"] == first
    assert await asyncio.to_thread(main, ["mails", "show", "ntf-1"]) == 1
    assert capsys.readouterr().err == "tenure mails show: There is no such email.\n"
    await eventually(lambda: environment.has_mails(3))
    assert len({one["notification_id"] for one in await emails(notifier, who)}) == 3


async def test_what_cannot_be_sent_once_more_is_refused(notifier: RunningNotifier, environment: Environment) -> None:
    who, gone = account(), account()
    refused = event("activated", gone, 1)
    await environment.set_mail_behaviour(reply="554 5.6.0 not this one", times=1)
    await environment.publish(refused)
    await eventually(lambda: notifier.has_email(gone, "failed"))
    await environment.set_mail_behaviour(reply="451 4.3.0 later", recipient="later@example.com")
    later = CONTACT | {"email": "later@example.com"}
    await environment.publish(event("activated", who, 1, contact=later), event("quota_restored", who, 2))
    await eventually(lambda: notifier.has_email(who, "queued"))
    [waits], [failed] = await emails(notifier, who), await emails(notifier, gone)
    inbox = (await notifier.inbox(who))["messages"][0]["id"]
    for notification_id, expected in [
        (waits["notification_id"], HTTPStatus.CONFLICT),
        (inbox, HTTPStatus.NOT_FOUND),
        ("ntf-1", HTTPStatus.NOT_FOUND),
    ]:
        assert (await resend(notifier, notification_id)).status_code == expected
        assert (await kept(notifier, notification_id)).status_code == expected
    for headers, expected in [(bearer(who), HTTPStatus.FORBIDDEN), ({}, HTTPStatus.UNAUTHORIZED)]:
        for method, path in [("GET", "mail"), ("POST", "resend")]:
            url = f"/api/notifications/{failed['notification_id']}/{path}"
            assert (await notifier.client.request(method, url, headers=headers)).status_code == expected
    queued = await resend(notifier, failed["notification_id"])
    await eventually(lambda: notifier.has_email(gone, "delivered"))
    [_, told] = await emails(notifier, gone, kind="activated", since="2026-01-01T00:00:00Z")
    assert (told["notification_id"], told["operator"]) == (queued.json()["notification_id"], "ops")
    assert await emails(notifier, gone, kind="renewed") == []
    assert await emails(notifier, gone, since="2100-01-01T00:00:00+14:00") == []


async def copies(notifier: RunningNotifier) -> int:
    async with transaction(notifier.engine) as connection:
        return int((await connection.execute(text("SELECT count(*) FROM kept_mail"))).scalar_one())


@pytest.mark.rule("R48")
async def test_copies_go_after_their_days_and_with_the_person_and_are_not_made_where_none_are_wanted(
    settings: Settings, environment: Environment
) -> None:
    old, new, forgotten, unkept = (account() for _ in range(4))
    async with running_notifier(settings) as notifier:
        for who in (old, new, forgotten):
            await environment.publish(event("activated", who, 1))
            await eventually(lambda who=who: notifier.has_email(who, "delivered"))  # type: ignore[misc]
        [email] = await emails(notifier, old)
        async with transaction(notifier.engine) as connection:
            aged = text("UPDATE kept_mail SET kept_at = kept_at - interval '30 days' WHERE account_id = :who")
            await connection.execute(aged, {"who": old})
        assert await Housekeeping(notifier.engine, SystemClock(), keep_days=31).delete_old() == 0
        assert await Housekeeping(notifier.engine, SystemClock(), keep_days=30).delete_old() == 1
        assert (await resend(notifier, email["notification_id"])).status_code == 404
        await environment.publish(event("erased", forgotten, 2))
        await eventually(lambda: is_left(notifier, 1))
    async with running_notifier(settings.model_copy(update={"keep_mails_days": 0})) as notifier:
        await eventually(lambda: is_left(notifier, 0))
        await environment.publish(event("activated", unkept, 1))
        await eventually(lambda: notifier.has_email(unkept, "delivered"))
        assert await copies(notifier) == 0


async def is_left(notifier: RunningNotifier, count: int) -> bool:
    return await copies(notifier) == count
