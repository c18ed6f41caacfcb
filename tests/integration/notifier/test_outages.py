"""Database and broker go away and come back: the notifier waits, says so, and catches up by itself."""

import signal

import pytest

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.notifier.copies import CONTACT, Copy, World, copy, event
from tests.integration.notifier.process import process
from tests.kit.events import account
from tests.kit.waiting import eventually


@pytest.mark.rule("G3", "G5")
async def test_a_database_that_restarts_under_a_mail_on_its_way_makes_no_second_mail(
    notifier: Copy, settings: Settings, world: World, postgres: Postgres
) -> None:
    slow, waiting = account(), account()
    async with copy(settings) as other:
        await world.misbehave(delay=3, times=1)
        await world.publish(event("activated", slow, 1))
        await eventually(lambda: world.mails("ada@example.com"))
        await postgres.kill()
        try:
            await eventually(lambda: unready(notifier))
            assert (await notifier.client.get("/health")).status_code == 200
            assert "tenure_database_up 0.0" in (await notifier.client.get("/metrics")).text
            answer = await notifier.client.get("/openapi.json")
            assert answer.status_code == 200
            late = event("activated", waiting, 1, contact=CONTACT | {"email": "late@example.com"})
            await world.publish(late)
        finally:
            await postgres.start()
        await eventually(lambda: world.mails("late@example.com"), seconds=40)
        await eventually(lambda: delivered(notifier, slow), seconds=40)
        await eventually(notifier.reads)
        await eventually(other.reads)
    assert len(await world.mails("ada@example.com")) == 1
    assert len(await world.outcomes(4)) == 4


@pytest.mark.rule("G5")
async def test_a_broker_that_restarts_is_waited_for(notifier: Copy, world: World, kafka: Kafka) -> None:
    before, after = account(), account()
    await world.publish(event("activated", before, 1))
    await eventually(lambda: delivered(notifier, before))
    await kafka.kill()
    try:
        await eventually(lambda: unready(notifier), seconds=90)
    finally:
        await kafka.start()
    await world.publish(event("activated", after, 1))
    await eventually(lambda: delivered(notifier, after), seconds=120)
    await eventually(notifier.reads, seconds=120)
    outcomes = await world.outcomes(4)
    assert len({one["id"] for one in outcomes}) == 4


async def test_a_process_stops_cleanly_when_it_is_told_to(settings: Settings, world: World) -> None:
    with process(settings) as child:
        await world.publish(event("activated", account(), 1))
        await eventually(lambda: world.mails("ada@example.com"))
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=15) == 0


async def unready(notifier: Copy) -> bool:
    return (await notifier.client.get("/ready")).status_code == 503


async def delivered(notifier: Copy, who: str) -> bool:
    return any(found == "delivered" for _, found, _ in await notifier.status(who))
