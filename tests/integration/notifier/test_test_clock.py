"""The notifier's part in the test clock's barrier, and its clock in `/health`."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts.topics import TEST_CLOCK_SETTLED
from shared.runtime.settings import Settings
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import event
from tests.kit.events import account

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def with_test_clock(settings: Settings) -> Settings:
    return settings.model_copy(update={"test_clock": START})


@pytest.fixture
async def notifier(with_test_clock: Settings, environment: Environment) -> AsyncIterator[RunningNotifier]:
    async with running_notifier(with_test_clock) as running:
        yield running


def settled(now: datetime, advance: str) -> dict[str, Any]:
    """The event with which the subscription service has settled."""
    return {
        "specversion": "1.0",
        "id": f"settled-subscription-{advance}",
        "source": "/tenure/subscription",
        "type": "tenure.clock.settled.v1",
        "time": START.isoformat(),
        "subject": "subscription",
        "data": {"service": "subscription", "now": now.isoformat(), "advance_id": advance},
    }


async def settled_events(environment: Environment, count: int) -> list[dict[str, Any]]:
    """The data of the notifier's own `settled` events, once both services together have published `count`."""
    settled_data = [json.loads(one.value) for one in await environment.records(TEST_CLOCK_SETTLED, count)]
    return [one["data"] for one in settled_data if one["data"]["service"] == "notifier"]


async def test_health_warns_that_the_test_clock_is_on(notifier: RunningNotifier) -> None:
    clock = (await notifier.client.get("/health")).json()["test_clock"]
    assert datetime.fromisoformat(clock["now"]) == START
    assert "test clock is on" in clock["warning"]
    assert "tenure_test_clock 1.0" in (await notifier.client.get("/metrics")).text


async def test_when_the_notifier_has_settled_every_due_mail_was_sent(
    notifier: RunningNotifier, environment: Environment
) -> None:
    many, later = [account() for _ in range(20)], START + timedelta(days=1)
    sent = [event("activated", who, 1) | {"recordedat": later.isoformat()} for who in many]
    await environment.publish(*sent)
    await environment.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
    (settled_data,) = await settled_events(environment, 2)
    assert len(await environment.mails()) == len(many)
    assert len(await environment.outcomes(2 * len(many))) == 2 * len(many)
    assert settled_data["advance_id"] == "adv-1"
    assert datetime.fromisoformat(settled_data["now"]) == later
    clock = (await notifier.client.get("/health")).json()["test_clock"]
    assert datetime.fromisoformat(clock["now"]) == later


async def test_a_deferred_mail_is_retried_when_it_is_due(notifier: RunningNotifier, environment: Environment) -> None:
    who = account()
    await environment.set_mail_behaviour(reply="451 later", times=1)
    await environment.publish(event("activated", who, 1) | {"recordedat": START.isoformat()})
    for hours in (0, 1):
        await environment.publish(settled(START + timedelta(hours=hours), f"adv-{hours}"), topic=TEST_CLOCK_SETTLED)
        await settled_events(environment, 2 * hours + 2)
        expected = "delivered" if hours else "queued"
        assert [status for _, status, _ in await notifier.status(who)] == [expected]


async def test_an_event_ahead_of_the_clock_counts_from_its_recording(
    notifier: RunningNotifier, environment: Environment
) -> None:
    """The subscription service moves first, so a reminder may come before our own time has moved."""
    who, later = account(), START + timedelta(days=7)
    await environment.set_mail_behaviour(reply="451 later")
    await environment.publish(event("activated", who, 1) | {"recordedat": later.isoformat()})
    await environment.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
    await settled_events(environment, 2)
    decisions = await notifier.decisions(who)
    assert {(one["channel"], one["status"], one["attempts"]) for one in decisions} == {
        ("email", "queued", 1),
        ("inbox", "delivered", 1),
    }
    (message,) = (await notifier.inbox(who))["messages"]
    (outcome,) = await environment.outcomes(1)
    for instant in (message["created_at"], outcome["time"], *(one["created_at"] for one in decisions)):
        assert datetime.fromisoformat(instant) == later
    await environment.publish(settled(later + timedelta(hours=24), "adv-2"), topic=TEST_CLOCK_SETTLED)
    await settled_events(environment, 4)
    assert [status for _, status, _ in await notifier.status(who)] == ["failed"]


async def test_several_copies_settle_once(
    with_test_clock: Settings, notifier: RunningNotifier, environment: Environment
) -> None:
    async with running_notifier(with_test_clock) as other:
        for number in range(3):
            await environment.publish(
                settled(START + timedelta(days=number), f"adv-{number}"), topic=TEST_CLOCK_SETTLED
            )
        settled_data = await settled_events(environment, 6)
        assert [one["advance_id"] for one in settled_data] == ["adv-0", "adv-1", "adv-2"]
        for at in (notifier, other):
            clock = (await at.client.get("/health")).json()["test_clock"]
            assert datetime.fromisoformat(clock["now"]) == START + timedelta(days=2)


async def test_the_clock_survives_a_restart(with_test_clock: Settings, environment: Environment) -> None:
    later = START + timedelta(days=3)
    async with running_notifier(with_test_clock):
        await environment.publish(settled(later, "adv-1"), topic=TEST_CLOCK_SETTLED)
        await settled_events(environment, 2)
    async with running_notifier(with_test_clock) as again:
        clock = (await again.client.get("/health")).json()["test_clock"]
        assert datetime.fromisoformat(clock["now"]) == later
