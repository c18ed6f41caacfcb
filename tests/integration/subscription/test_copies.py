"""Two copies work on the same accounts at once: no deadlock, no event lost, none counted twice (G1, G4)."""

from typing import Any

import asyncpg
import pytest

from shared.runtime.settings import Settings
from tests.integration.subscription.serving import PARTITIONS, World, serving
from tests.kit.events import account, credit, event, purchase, renewal

ACCOUNTS = 12
ROUNDS = 5
SERVERS = 3


@pytest.mark.rule("G1", "G2", "G4")
async def test_two_copies_on_the_same_accounts_count_every_event_and_never_deadlock(settings: Settings) -> None:
    accounts = [account() for _ in range(ACCOUNTS)]
    async with serving(settings, copies=2) as world:
        sent = await _scatter(world, accounts)
        await world.settle()
        counted = await world.counted()
        assert sum(counted.values()) == sent
        assert counted["duplicate"] == ACCOUNTS * ROUNDS
        assert counted["dead_letter"] == 0
        overviews = [await world.get(who) for who in accounts]
        versions = [[one["data"]["version"] for one in await world.lifecycle(who)] for who in accounts]
    assert {one["balance"] for one in overviews} == {f"{ROUNDS}.00"}
    assert {one["registered"]["servers"] for one in overviews} == {SERVERS}
    assert {len(one["terms"]) for one in overviews} == {ROUNDS + 1}
    assert versions == [list(range(1, ROUNDS + 2))] * ACCOUNTS
    assert await _deadlocks(settings) == 0


async def _scatter(world: World, accounts: list[str]) -> int:
    """Every account's events over all partitions, credits twice; how many there were."""
    sent = 0
    await world.publish(*(purchase(who, world.now) for who in accounts))
    for number in range(ROUNDS):
        for who in accounts if number % 2 else reversed(accounts):
            server: dict[str, Any] = {"server_id": f"s-{number % SERVERS}", "cores": 2}
            paid = credit(who, "1.00")
            events = [paid, renewal(who, world.now), event("server.registered", account_id=who, **server)]
            await world.publish(*events, partition=number % PARTITIONS)
            await world.publish(paid, partition=(number + 1) % PARTITIONS)
            sent += len(events) + 1
    return sent + len(accounts)


async def _deadlocks(settings: Settings) -> int:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await connection.fetchval(query))
    finally:
        await connection.close()
