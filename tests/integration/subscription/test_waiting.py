"""Orders that come before their purchase wait for it (R40); timers that are due go before events (R4).

One copy serves all tests of this module. Each has accounts of its own and compares counters with those before it, so
their order does not matter; the clock goes on from test to test.
"""

from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime.settings import Settings
from shared.storage.database import connect, transaction
from shared.testclock.clock import TestClock
from tests.integration.subscription.serving import World, outside, serving
from tests.kit.events import START, account, event, purchase, renewal

PARK_FOR = timedelta(minutes=15)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.rule("R40", "G4")
async def test_what_waited_for_a_purchase_goes_on_in_order_of_arrival(world: World) -> None:
    who = account()
    before = await world.counted()
    await world.publish(renewal(who, world.now, duration_months=3), partition=0)
    await world.settle()
    await world.publish(renewal(who, world.now, duration_months=2), partition=1)
    await world.settle()
    assert await world.kinds(who) == []
    assert await world.counted() - before == {"parked": 2}
    await world.publish(purchase(who, world.now))
    await world.settle()
    emitted = await world.lifecycle(who)
    assert [one["type"].split(".")[2] for one in emitted] == ["activated", "renewed", "renewed"]
    assert [one["data"]["term"]["months"] for one in emitted] == [1, 3, 2]
    assert (await world.counted())["parked"] == before["parked"]


@pytest.mark.rule("R40", "R4", "G4")
async def test_what_a_late_purchase_releases_behind_timers_waits_for_them_and_is_not_lost(world: World) -> None:
    """Its month is over, and so its reminder and its end go before the renewal."""
    who = account()
    before = await world.counted()
    await world.publish(renewal(who, world.now))
    await world.settle()
    await world.publish(purchase(who, world.now - timedelta(days=33)))
    await world.settle()
    assert await world.kinds(who) == ["activated", "renewal_due", "expired", "renewed"]
    assert await world.counted() - before == {"applied": 2}


@pytest.mark.rule("R40")
async def test_what_was_decided_late_is_decided_no_earlier_than_the_purchase(world: World) -> None:
    who, sent = account(), world.now
    await world.publish(renewal(who, sent))
    await world.settle(sent + timedelta(minutes=5))
    await world.publish(purchase(who, world.now))
    await world.settle()
    activated, renewed = await world.lifecycle(who)
    assert renewed["time"] == activated["time"]
    assert datetime.fromisoformat(renewed["time"]) == sent + timedelta(minutes=5)


@pytest.mark.rule("R40")
async def test_an_order_is_rejected_at_the_instant_when_its_time_is_over_and_not_a_second_before(world: World) -> None:
    who, arrived = account(), world.now
    bound = event("server.bound", world.now, account_id=who, server_id="s-1")
    await world.publish(renewal(who, arrived), bound)
    await world.settle()
    await world.settle(arrived + PARK_FOR - timedelta(seconds=1))
    assert await world.kinds(who) == []
    await world.settle(arrived + PARK_FOR)
    emitted = await world.lifecycle(who)
    assert [one["data"]["code"] for one in emitted] == ["not_subscribed", "not_subscribed"]
    assert {datetime.fromisoformat(one["time"]) for one in emitted} == {arrived + PARK_FOR}


@pytest.mark.rule("R40")
async def test_a_purchase_that_is_refused_releases_nothing(world: World) -> None:
    who = account()
    await world.publish(renewal(who, world.now))
    await world.settle()
    await world.publish(purchase(who, world.now, terms_accepted=False))
    await world.settle()
    assert [one["data"]["code"] for one in await world.lifecycle(who)] == ["terms_not_accepted"]
    await world.settle(world.now + PARK_FOR)
    assert [one["data"]["code"] for one in await world.lifecycle(who)] == ["terms_not_accepted", "not_subscribed"]


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.rule("R4")
async def test_after_downtime_orders_count_as_in_time_and_timers_that_were_due_before_them_go_first(
    settings: Settings,
) -> None:
    """E = 5 February in Shanghai: the term ends at 16:00 UTC. The service is away while that passes."""
    in_time, at_the_end = account(), account()
    end = datetime(2026, 2, 5, 16, tzinfo=UTC)
    async with serving(settings) as world:
        await world.publish(purchase(in_time), purchase(at_the_end))
        await world.settle()
    await _move_the_clock(settings, end + timedelta(hours=1))
    async with outside(settings) as world:
        await world.publish(renewal(in_time, START + timedelta(days=1)), renewal(at_the_end, end))
    async with serving(settings) as world:
        await world.settle(end + timedelta(hours=1))
        assert await world.kinds(in_time) == ["activated", "renewed"]
        emitted = await world.lifecycle(at_the_end)
    assert [one["type"].split(".")[2] for one in emitted] == ["activated", "renewal_due", "expired", "renewed"]
    assert emitted[-1]["data"]["reactivated"] is True
    assert emitted[2]["time"] == emitted[3]["time"]


async def _move_the_clock(settings: Settings, now: datetime) -> None:
    engine = connect(settings.database_url.get_secret_value(), "subscription")
    async with transaction(engine) as connection:
        await TestClock.move(connection, now)
    await engine.dispose()
