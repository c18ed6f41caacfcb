"""Database and broker stop and start again: the notifier waits, shows it in `/ready`, and catches up by itself."""

import signal

import pytest

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, notifier_process, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.waiting import PATIENCE, eventually


@pytest.mark.rule("G3", "G5")
async def test_a_database_restart_while_a_mail_is_in_flight_makes_no_second_mail(
    notifier: RunningNotifier, settings: Settings, environment: Environment, postgres: Postgres
) -> None:
    slow, waiting = account(), account()
    async with running_notifier(settings) as other:
        await environment.set_mail_behaviour(delay=3, times=1)
        await environment.publish(event("activated", slow, 1))
        await eventually(lambda: environment.mails("ada@example.com"))
        await postgres.kill()
        try:
            await eventually(notifier.is_unready)
            assert (await notifier.client.get("/health")).status_code == 200
            assert "tenure_database_up 0.0" in (await notifier.client.get("/metrics")).text
            answer = await notifier.client.get("/openapi.json")
            assert answer.status_code == 200
            late = event("activated", waiting, 1, contact=CONTACT | {"email": "late@example.com"})
            await environment.publish(late)
        finally:
            await postgres.start()
        await eventually(lambda: environment.mails("late@example.com"), seconds=40)
        await eventually(lambda: notifier.has_email(slow, "delivered"), seconds=40)
        await eventually(notifier.is_consuming)
        await eventually(other.is_consuming)
    assert len(await environment.mails("ada@example.com")) == 1
    assert len(await environment.outcomes(4)) == 4


@pytest.mark.rule("G5")
async def test_a_broker_that_restarts_is_waited_for(
    notifier: RunningNotifier, environment: Environment, kafka: Kafka
) -> None:
    before, after = account(), account()
    await environment.publish(event("activated", before, 1))
    await eventually(lambda: notifier.has_email(before, "delivered"))
    await kafka.kill()
    try:
        await eventually(notifier.is_unready, seconds=90)
    finally:
        await kafka.start()
    await environment.publish(event("activated", after, 1))
    await eventually(lambda: notifier.has_email(after, "delivered"), seconds=120)
    await eventually(notifier.is_consuming, seconds=120)
    outcomes = await environment.outcomes(4)
    assert len({one["id"] for one in outcomes}) == 4


async def test_sigterm_stops_a_process_with_exit_code_0(settings: Settings, environment: Environment) -> None:
    with notifier_process(settings) as child:
        await environment.publish(event("activated", account(), 1))
        await eventually(lambda: environment.mails("ada@example.com"))
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=PATIENCE) == 0
