"""Delivering emails: retries on the service clock, final refusals, an unreachable relay, a process that is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier_service.delivery.sender import MAX_LEASED
from shared.runtime.settings import Settings
from tenure.local.mail import MailServer
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RELAY, RunningNotifier, notifier_process, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.waiting import eventually

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
async def on_test_clock(settings: Settings, environment: Environment) -> AsyncIterator[RunningNotifier]:
    """A copy with the test clock on, at `START`."""
    async with running_notifier(settings.model_copy(update={"test_clock": START})) as running:
        yield running


async def test_a_temporary_refusal_is_retried_on_the_service_clock(
    on_test_clock: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(reply="451 4.7.1 please come back", times=1)
    await environment.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(on_test_clock, who, 1))
    await on_test_clock.move_clock(START + timedelta(seconds=40))
    assert await on_test_clock.status(who) == [("activated", "queued", "451 4.7.1 please come back")]
    await on_test_clock.move_clock(START + timedelta(seconds=80))
    assert len(await environment.mails()) == 1
    ((_, status, reason),) = await on_test_clock.status(who)
    assert status == "delivered"
    assert reason is not None
    outcomes = [one["data"] for one in await environment.outcomes(2) if one["data"]["channel"] == "email"]
    assert [one["attempts"] for one in outcomes] == [2]


async def test_a_relay_that_refuses_for_24_hours_fails_the_mail_with_its_reply(
    on_test_clock: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(reply="450 4.2.1 <ada@example.com> mailbox busy")
    await environment.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(on_test_clock, who, 1))
    for hours in (1, 6, 23.9):
        await on_test_clock.move_clock(START + timedelta(hours=hours))
        assert [status for _, status, _ in await on_test_clock.status(who)] == ["queued"]
    await on_test_clock.move_clock(START + timedelta(hours=24))
    ((_, status, reason),) = await on_test_clock.status(who)
    assert status == "failed"
    assert reason
    assert "mailbox busy" in reason
    assert "ada@" not in reason


@pytest.mark.parametrize("stage", ["recipient", "data"])
async def test_a_final_refusal_fails_one_mail_and_no_other(
    notifier: RunningNotifier, environment: Environment, stage: str
) -> None:
    refused, other = account(), account()
    await environment.set_mail_behaviour(reply="550 5.1.1 no such user", stage=stage, recipient="gone@example.com")
    await environment.publish(
        event("activated", refused, 1, contact=CONTACT | {"email": "gone@example.com"}), event("activated", other, 1)
    )
    await eventually(lambda: notifier.has_email(refused, "failed"))
    await eventually(lambda: notifier.has_email(other, "delivered"))
    assert await notifier.status(refused) == [("activated", "failed", "550 5.1.1 no such user")]
    failed = [one for one in await environment.outcomes(4) if one["type"].endswith("failed.v1")]
    assert [one["data"]["attempts"] for one in failed] == [1]


async def test_what_became_outdated_while_it_waited_is_not_sent(
    on_test_clock: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(reply="451 later", times=1)
    ends = START + timedelta(minutes=1)
    due = at_start("renewal_due", who, 2, ends_at=ends.isoformat())
    await environment.publish(at_start("contact_changed", who, 1), due)
    await eventually(lambda: tried(on_test_clock, who, 1))
    await on_test_clock.move_clock(START + timedelta(minutes=2))
    assert await on_test_clock.status(who) == [("renewal_due", "suppressed", "expired_meanwhile")]
    assert await environment.mails() == []


@pytest.mark.rule("G5")
async def test_an_unreachable_relay_costs_no_attempt_and_makes_the_service_unready(
    notifier: RunningNotifier, environment: Environment, mail_server: MailServer
) -> None:
    who = account()
    await eventually(notifier.is_ready)
    await mail_server.kill()
    try:
        await eventually(lambda: notifier.is_unready(RELAY))
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: notifier.has_email(who, "queued"))
    finally:
        await mail_server.start()
    await eventually(lambda: notifier.has_email(who, "delivered"), seconds=40)
    assert [one["attempts"] for one in await notifier.decisions(who)] == [1, 1]
    await eventually(notifier.is_ready)
    assert len(await environment.mails()) == 1


async def test_a_421_reply_to_a_mail_is_a_temporary_refusal(
    on_test_clock: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(reply="421 4.3.2 closing down", times=1)
    await environment.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(on_test_clock, who, 1))
    assert await on_test_clock.status(who) == [("activated", "queued", "421 4.3.2 closing down")]
    await on_test_clock.move_clock(START + timedelta(seconds=80))
    assert [status for _, status, _ in await on_test_clock.status(who)] == ["delivered"]


async def test_a_mail_at_which_the_connection_always_breaks_does_not_block_the_others(
    settings: Settings, environment: Environment
) -> None:
    bad, good = account(), account()
    async with (
        breaking_relay("bad@example.com") as port,
        running_notifier(settings.model_copy(update={"smtp_port": port})) as one,
    ):
        await environment.publish(event("activated", bad, 1, contact=CONTACT | {"email": "bad@example.com"}))
        await eventually(lambda: one.is_unready(RELAY))
        await environment.publish(event("activated", good, 1))
        await eventually(lambda: one.has_email(good, "delivered"))
        assert [mail["attempts"] for mail in await one.decisions(bad) if mail["channel"] == "email"] == [0]


@pytest.mark.rule("G3")
async def test_after_a_process_is_killed_before_recording_the_reply_the_mail_is_sent_again_with_its_message_id(
    settings: Settings, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(delay=60, times=1)
    with notifier_process(settings) as first:
        await environment.publish(event("activated", who, 1))
        await eventually(lambda: environment.mails("ada@example.com"))
        first.kill()
        first.wait()
    async with running_notifier(settings) as second:
        await eventually(lambda: second.has_email(who, "delivered"))
        mails = await environment.mails("ada@example.com")
        assert len(mails) == 2
        assert len({mail["headers"]["Message-ID"] for mail in mails}) == 1
        assert [one["attempts"] for one in await second.decisions(who) if one["channel"] == "email"] == [1]
        assert len((await second.inbox(who))["messages"]) == 1


@pytest.mark.rule("G3")
async def test_two_copies_send_each_mail_once(settings: Settings, environment: Environment) -> None:
    many = [account() for _ in range(3 * MAX_LEASED)]
    async with running_notifier(settings) as one, running_notifier(settings):
        await environment.publish(*(event("activated", who, 1, contact=to(who)) for who in many))
        await eventually(lambda: environment.has_mails(len(many)), seconds=40)
        await eventually(one.nothing_is_queued)
    assert sorted(mail["rcpt_to"][0] for mail in await environment.mails()) == sorted(
        f"{who}@example.com" for who in many
    )


async def test_a_clean_stop_waits_for_the_mail_in_flight(settings: Settings, environment: Environment) -> None:
    who = account()
    async with running_notifier(settings) as first:
        await environment.set_mail_behaviour(delay=1, times=1)
        await environment.publish(event("activated", who, 1))
        (mail,) = await eventually(lambda: under_way(first, who))
        assert mail["status"] == "queued"
    async with running_notifier(settings) as second:
        assert [status for _, status, _ in await second.status(who)] == ["delivered"]
    assert len(await environment.mails()) == 1


def at_start(kind: str, who: str, version: int, **data: Any) -> dict[str, Any]:
    """An event that was recorded when the clock stood at `START`."""
    return event(kind, who, version, **data) | {"recordedat": START.isoformat()}


def to(who: str) -> dict[str, str]:
    return CONTACT | {"email": f"{who}@example.com"}


@asynccontextmanager
async def breaking_relay(recipient: str) -> AsyncIterator[int]:
    """The port of a mail server that closes the connection at `RCPT` of this recipient."""

    class Handler:
        async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, _: Any) -> str:  # noqa: N802
            if address == recipient:
                server.transport.abort()
            envelope.rcpt_tos.append(address)
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="localhost", loop=loop), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def tried(notifier: RunningNotifier, who: str, attempts: int) -> bool:
    mails = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
    return any(one["attempts"] == attempts and not one["under_way"] for one in mails)


async def under_way(notifier: RunningNotifier, who: str) -> list[dict[str, Any]]:
    return [one for one in await notifier.decisions(who, status="queued") if one["under_way"]]
