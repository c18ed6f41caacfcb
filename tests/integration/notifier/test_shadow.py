"""Beside another system: everything is decided and recorded, and nobody is told (`TENURE_DELIVERY`)."""

import asyncio
import csv
from typing import Any

import pytest

from shared.runtime.settings import Settings
from shared.storage.database import transaction
from shared.storage.event_counts import read as read_counts
from tenure.__main__ import main
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import event
from tests.kit.events import account
from tests.kit.ports import free_port
from tests.kit.tokens import SECRET, operator
from tests.kit.waiting import eventually

BOTH = {("email", "shadow"), ("inbox", "shadow")}


def reasons(decisions: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["channel"], one["reason"]) for one in decisions}


def with_delivery(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


@pytest.mark.rule("R44")
async def test_in_the_shadow_nobody_is_told_and_every_decision_has_its_outcome(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    async with running_notifier(with_delivery(settings, delivery="shadow")) as notifier:
        await environment.publish(event("activated", who, 1))
        outcomes = await environment.outcomes(2)
        assert reasons(await notifier.decisions(who)) == BOTH
        inbox = await notifier.inbox(who)
        assert (inbox["messages"], inbox["unread"]) == ([], 0)
    assert {one["type"] for one in outcomes} == {"tenure.notification.suppressed.v1"}
    assert await environment.mails() == []


async def test_an_email_that_was_queued_before_is_held_back_too_and_no_relay_is_missed(
    settings: Settings, environment: Environment
) -> None:
    who, nowhere = account(), free_port()
    async with running_notifier(with_delivery(settings, smtp_port=nowhere)) as notifier:
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: notifier.has_decisions(who, 2))
    async with running_notifier(with_delivery(settings, smtp_port=nowhere, delivery="inbox")) as notifier:
        await environment.outcomes(2)
        await eventually(notifier.is_ready)
        assert reasons(await notifier.decisions(who)) == {("email", "shadow"), ("inbox", None)}
        await environment.publish(event("renewed", who, 2))
        await environment.outcomes(4)
        assert (await notifier.inbox(who))["unread"] == 2
    assert await environment.mails() == []


async def test_in_the_shadow_an_email_that_comes_back_is_recorded_and_its_account_is_not_told(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    async with running_notifier(settings) as notifier:
        await environment.publish(event("activated", who, 1))
        await environment.outcomes(2)
        [email] = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
    async with running_notifier(with_delivery(settings, delivery="shadow")) as notifier:
        told = {"notification_id": email["notification_id"], "kind": "hard", "detail": "550 5.1.1 no such user"}
        answer = await notifier.client.post("/bounces", json=told, headers=operator())
        assert answer.json()["recorded"] is True
        [email] = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
        assert email["status"] == "bounced"
        assert [one["kind"] for one in (await notifier.inbox(who))["messages"]] == ["activated"]


@pytest.mark.rule("R44", "G4")
async def test_an_import_makes_no_notification_is_counted_and_its_contact_gets_what_comes_later(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.publish(event("imported", who, 1), event("quota_exceeded", who, 2))
    (mail,) = await eventually(lambda: environment.mails("ada@example.com"))
    assert mail["headers"]["X-Tenure-Type"] == "quota_exceeded"
    assert {one["kind"] for one in await notifier.decisions(who)} == {"quota_exceeded"}
    async with transaction(notifier.engine) as connection:
        counts = await read_counts(connection)
    assert {outcome: count for (_, outcome), count in counts.items() if count} == {"applied": 2}


async def test_the_decisions_of_all_accounts_are_compared_as_csv(
    settings: Settings,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = account(), account()
    async with running_notifier(with_delivery(settings, delivery="shadow")) as notifier:
        monkeypatch.setenv("TENURE_NOTIFIER_URL", str(notifier.client.base_url))
        monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
        await environment.publish(event("activated", one, 1), event("contact_changed", other, 1))
        await environment.outcomes(3)
        assert await asyncio.to_thread(main, ["why", "--csv"]) == 0
        rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
        assert sorted((row["account_id"], row["kind"], row["channel"], row["reason"]) for row in rows) == sorted(
            [
                (one, "activated", "email", "shadow"),
                (one, "activated", "inbox", "shadow"),
                (other, "contact_changed", "inbox", "shadow"),
            ]
        )
        assert await asyncio.to_thread(main, ["why", "--csv", other]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
    assert await asyncio.to_thread(main, ["why"]) == 2
