"""What the relay says and what follows: retries on the service clock, ends, a relay away, a process that dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier_service.delivery.sender import MAX_IN_FLIGHT
from shared.runtime.settings import Settings
from tenure.local.mail import MailServer
from tests.integration.notifier.copies import CONTACT, Copy, World, copy, event
from tests.integration.notifier.process import process
from tests.kit.events import account
from tests.kit.waiting import eventually

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
async def still(settings: Settings, world: World) -> AsyncIterator[Copy]:
    """A copy whose clock stands still until it is moved."""
    async with copy(settings.model_copy(update={"test_clock": START})) as running:
        yield running


async def test_a_temporary_refusal_is_tried_again_on_the_service_clock(still: Copy, world: World) -> None:
    who = account()
    await world.misbehave(reply="451 4.7.1 please come back", times=1)
    await world.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(still, who, 1))
    await still.move_clock(START + timedelta(seconds=40))
    assert await still.status(who) == [("activated", "queued", "451 4.7.1 please come back")]
    await still.move_clock(START + timedelta(seconds=80))
    assert len(await world.mails()) == 1
    ((_, status, reason),) = await still.status(who)
    assert status == "delivered"
    assert reason is not None
    outcomes = [one["data"] for one in await world.outcomes(2) if one["data"]["channel"] == "email"]
    assert [one["attempts"] for one in outcomes] == [2]


async def test_a_relay_that_refuses_for_24_hours_fails_the_mail_with_its_reply(still: Copy, world: World) -> None:
    who = account()
    await world.misbehave(reply="450 4.2.1 <ada@example.com> mailbox busy")
    await world.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(still, who, 1))
    for hours in (1, 6, 23.9):
        await still.move_clock(START + timedelta(hours=hours))
        assert [status for _, status, _ in await still.status(who)] == ["queued"]
    await still.move_clock(START + timedelta(hours=24))
    ((_, status, reason),) = await still.status(who)
    assert status == "failed"
    assert reason
    assert "mailbox busy" in reason
    assert "ada@" not in reason


@pytest.mark.parametrize("stage", ["recipient", "data"])
async def test_a_final_refusal_fails_one_mail_and_no_other(notifier: Copy, world: World, stage: str) -> None:
    refused, other = account(), account()
    await world.misbehave(reply="550 5.1.1 no such user", stage=stage, recipient="gone@example.com")
    await world.publish(
        event("activated", refused, 1, contact=CONTACT | {"email": "gone@example.com"}), event("activated", other, 1)
    )
    await eventually(lambda: has(notifier, refused, "failed"))
    await eventually(lambda: has(notifier, other, "delivered"))
    assert await notifier.status(refused) == [("activated", "failed", "550 5.1.1 no such user")]
    failed = [one for one in await world.outcomes(4) if one["type"].endswith("failed.v1")]
    assert [one["data"]["attempts"] for one in failed] == [1]


async def test_what_became_untrue_while_it_waited_is_not_sent(still: Copy, world: World) -> None:
    who = account()
    await world.misbehave(reply="451 later", times=1)
    ends = START + timedelta(minutes=1)
    due = at_start("renewal_due", who, 2, ends_at=ends.isoformat())
    await world.publish(at_start("contact_changed", who, 1), due)
    await eventually(lambda: tried(still, who, 1))
    await still.move_clock(START + timedelta(minutes=2))
    assert await still.status(who) == [("renewal_due", "suppressed", "expired_meanwhile")]
    assert await world.mails() == []


@pytest.mark.rule("G5")
async def test_a_relay_that_is_away_costs_no_attempt_and_makes_the_service_unready(
    notifier: Copy, world: World, mail_server: MailServer
) -> None:
    who = account()
    await eventually(lambda: ready(notifier))
    await mail_server.kill()
    try:
        await eventually(lambda: unready(notifier))
        await world.publish(event("activated", who, 1))
        await eventually(lambda: has(notifier, who, "queued"))
    finally:
        await mail_server.start()
    await eventually(lambda: has(notifier, who, "delivered"), seconds=40)
    assert [one["attempts"] for one in await notifier.decisions(who)] == [1, 1]
    await eventually(lambda: ready(notifier))
    assert len(await world.mails()) == 1


async def test_a_relay_that_answers_a_mail_and_closes_down_has_refused_it_for_now(still: Copy, world: World) -> None:
    who = account()
    await world.misbehave(reply="421 4.3.2 closing down", times=1)
    await world.publish(at_start("activated", who, 1))
    await eventually(lambda: tried(still, who, 1))
    assert await still.status(who) == [("activated", "queued", "421 4.3.2 closing down")]
    await still.move_clock(START + timedelta(seconds=80))
    assert [status for _, status, _ in await still.status(who)] == ["delivered"]


async def test_a_mail_over_which_the_connection_breaks_every_time_holds_up_no_other(
    settings: Settings, world: World
) -> None:
    bad, good = account(), account()
    async with breaking_relay("bad@example.com") as port, copy(settings.model_copy(update={"smtp_port": port})) as one:
        await world.publish(event("activated", bad, 1, contact=CONTACT | {"email": "bad@example.com"}))
        await eventually(lambda: unready(one))
        await world.publish(event("activated", good, 1))
        await eventually(lambda: has(one, good, "delivered"))
        assert [mail["attempts"] for mail in await one.decisions(bad) if mail["channel"] == "email"] == [0]


@pytest.mark.rule("G3")
async def test_a_process_killed_before_it_recorded_the_yes_sends_again_under_the_same_message_id(
    settings: Settings, world: World
) -> None:
    who = account()
    await world.misbehave(delay=60, times=1)
    with process(settings) as first:
        await world.publish(event("activated", who, 1))
        await eventually(lambda: world.mails("ada@example.com"))
        first.kill()
        first.wait()
    async with copy(settings) as second:
        await eventually(lambda: has(second, who, "delivered"))
        mails = await world.mails("ada@example.com")
        assert len(mails) == 2
        assert len({mail["headers"]["Message-ID"] for mail in mails}) == 1
        assert [one["attempts"] for one in await second.decisions(who) if one["channel"] == "email"] == [1]
        assert len((await second.inbox(who))["messages"]) == 1


@pytest.mark.rule("G3")
async def test_two_copies_send_each_mail_once(settings: Settings, world: World) -> None:
    many = [account() for _ in range(3 * MAX_IN_FLIGHT)]
    async with copy(settings) as one, copy(settings):
        await world.publish(*(event("activated", who, 1, contact=to(who)) for who in many))
        await eventually(lambda: sent(world, len(many)), seconds=40)
        await eventually(lambda: none_waiting(one))
    assert sorted(mail["rcpt_to"][0] for mail in await world.mails()) == sorted(f"{who}@example.com" for who in many)


async def test_a_clean_stop_lets_the_mail_under_way_arrive(settings: Settings, world: World) -> None:
    who = account()
    async with copy(settings) as first:
        await world.misbehave(delay=1, times=1)
        await world.publish(event("activated", who, 1))
        (mail,) = await eventually(lambda: under_way(first, who))
        assert mail["status"] == "queued"
    async with copy(settings) as second:
        assert [status for _, status, _ in await second.status(who)] == ["delivered"]
    assert len(await world.mails()) == 1


def at_start(kind: str, who: str, version: int, **data: Any) -> dict[str, Any]:
    """An event that was recorded when the clock stood at `START`."""
    return event(kind, who, version, **data) | {"recordedat": START.isoformat()}


def to(who: str) -> dict[str, str]:
    return CONTACT | {"email": f"{who}@example.com"}


@asynccontextmanager
async def breaking_relay(recipient: str) -> AsyncIterator[int]:
    """The port of a mail server that hangs up when it is asked to take a mail for `recipient`."""

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


async def tried(notifier: Copy, who: str, attempts: int) -> bool:
    mails = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
    return any(one["attempts"] == attempts and not one["under_way"] for one in mails)


async def has(notifier: Copy, who: str, status: str) -> bool:
    return any(found == status for _, found, _ in await notifier.status(who))


async def sent(world: World, count: int) -> bool:
    return len(await world.mails()) >= count


async def none_waiting(notifier: Copy) -> bool:
    return not await notifier.decisions(status="queued")


async def under_way(notifier: Copy, who: str) -> list[dict[str, Any]]:
    return [one for one in await notifier.decisions(who, status="queued") if one["under_way"]]


async def ready(notifier: Copy) -> bool:
    return (await notifier.client.get("/ready")).status_code == 200


async def unready(notifier: Copy) -> bool:
    answer = await notifier.client.get("/ready")
    return answer.status_code == 503 and "mail" in answer.json()["troubles"]
