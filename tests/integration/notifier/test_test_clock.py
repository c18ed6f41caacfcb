"""The notifier's half of the test clock's barrier, and what it says about its clock."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts.topics import TEST_CLOCK_SETTLED
from shared.runtime.settings import Settings
from tests.integration.notifier.copies import Copy, World, copy, event
from tests.kit.events import account

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def still(settings: Settings) -> Settings:
    return settings.model_copy(update={"test_clock": START})


@pytest.fixture
async def notifier(still: Settings, world: World) -> AsyncIterator[Copy]:
    async with copy(still) as running:
        yield running


def settled(now: datetime, advance: str) -> dict[str, Any]:
    """What the subscription service says."""
    return {
        "specversion": "1.0",
        "id": f"settled-subscription-{advance}",
        "source": "/tenure/subscription",
        "type": "tenure.clock.settled.v1",
        "time": START.isoformat(),
        "subject": "subscription",
        "data": {"service": "subscription", "now": now.isoformat(), "advance_id": advance},
    }


async def both(world: World, count: int) -> list[dict[str, Any]]:
    """Our own words of the first `count` on the topic."""
    said = [json.loads(one.value) for one in await world.on_topic(TEST_CLOCK_SETTLED, count)]
    return [one["data"] for one in said if one["data"]["service"] == "notifier"]


async def test_health_says_loudly_that_time_stands_still(notifier: Copy) -> None:
    clock = (await notifier.client.get("/health")).json()["test_clock"]
    assert datetime.fromisoformat(clock["now"]) == START
    assert "test clock is on" in clock["warning"]
    assert "tenure_test_clock 1.0" in (await notifier.client.get("/metrics")).text


async def test_when_the_notifier_has_settled_every_mail_that_is_due_was_made(notifier: Copy, world: World) -> None:
    many, later = [account() for _ in range(20)], START + timedelta(days=1)
    sent = [event("activated", who, 1) | {"recordedat": later.isoformat()} for who in many]
    await world.publish(*sent)
    await world.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
    (said,) = await both(world, 2)
    assert len(await world.mails()) == len(many)
    assert len(await world.outcomes(2 * len(many))) == 2 * len(many)
    assert said["advance_id"] == "adv-1"
    assert datetime.fromisoformat(said["now"]) == later
    clock = (await notifier.client.get("/health")).json()["test_clock"]
    assert datetime.fromisoformat(clock["now"]) == later


async def test_a_mail_that_the_relay_put_off_is_tried_when_its_time_has_come(notifier: Copy, world: World) -> None:
    who = account()
    await world.misbehave(reply="451 later", times=1)
    await world.publish(event("activated", who, 1) | {"recordedat": START.isoformat()})
    for hours in (0, 1):
        await world.publish(settled(START + timedelta(hours=hours), f"adv-{hours}"), topic=TEST_CLOCK_SETTLED)
        await both(world, 2 * hours + 2)
        expected = "delivered" if hours else "queued"
        assert [status for _, status, _ in await notifier.status(who)] == [expected]


async def test_what_is_told_ahead_of_our_clock_counts_from_its_own_instant(notifier: Copy, world: World) -> None:
    """The subscription service moves first, so a reminder may come before our own time has moved."""
    who, later = account(), START + timedelta(days=7)
    await world.misbehave(reply="451 later")
    await world.publish(event("activated", who, 1) | {"recordedat": later.isoformat()})
    await world.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
    await both(world, 2)
    decisions = await notifier.decisions(who)
    assert {(one["channel"], one["status"], one["attempts"]) for one in decisions} == {
        ("email", "queued", 1),
        ("inbox", "delivered", 1),
    }
    (message,) = (await notifier.inbox(who))["messages"]
    (outcome,) = await world.outcomes(1)
    for instant in (message["created_at"], outcome["time"], *(one["created_at"] for one in decisions)):
        assert datetime.fromisoformat(instant) == later
    await world.publish(settled(later + timedelta(hours=24), "adv-2"), topic=TEST_CLOCK_SETTLED)
    await both(world, 4)
    assert [status for _, status, _ in await notifier.status(who)] == ["failed"]


async def test_several_copies_settle_once(still: Settings, notifier: Copy, world: World) -> None:
    async with copy(still) as other:
        for number in range(3):
            await world.publish(settled(START + timedelta(days=number), f"adv-{number}"), topic=TEST_CLOCK_SETTLED)
        said = await both(world, 6)
        assert [one["advance_id"] for one in said] == ["adv-0", "adv-1", "adv-2"]
        for at in (notifier, other):
            clock = (await at.client.get("/health")).json()["test_clock"]
            assert datetime.fromisoformat(clock["now"]) == START + timedelta(days=2)


async def test_the_clock_survives_a_restart(still: Settings, world: World) -> None:
    later = START + timedelta(days=3)
    async with copy(still):
        await world.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
        await both(world, 2)
    async with copy(still) as again:
        clock = (await again.client.get("/health")).json()["test_clock"]
        assert datetime.fromisoformat(clock["now"]) == later
