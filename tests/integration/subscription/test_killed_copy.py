"""One of two copies is killed (kill -9): the other one decides for its partitions within seconds."""

import time
from functools import partial
from typing import Final

import pytest

from shared.contracts.topics import PURCHASES
from shared.runtime.settings import Settings
from tenure.story.metrics import assigned
from tests.integration.subscription.serving import PARTITIONS, World, serving
from tests.kit.events import account, purchase
from tests.kit.ports import free_port
from tests.kit.process import service_process
from tests.kit.tokens import operator
from tests.kit.waiting import eventually

SESSION_SECONDS: Final = 2
START_SECONDS: Final = 120
WITHIN_SECONDS: Final = 8
"""Twice what it takes at most, for a slow machine; with a client's default session it takes ten."""


@pytest.mark.rule("G5")
async def test_the_partitions_of_a_copy_that_is_killed_are_decided_by_the_other_one_within_seconds(
    settings: Settings,
) -> None:
    ours = settings.model_copy(update={"kafka_session_seconds": SESSION_SECONDS})
    async with serving(ours) as world:
        with service_process("subscription_service", ours.model_copy(update={"http_port": free_port()})) as other:
            await eventually(lambda: _has_given_some_away(world), START_SECONDS)
            accounts = [account() for _ in range(PARTITIONS)]
            other.kill()
            killed_at = time.monotonic()
            for partition, who in enumerate(accounts):
                await world.publish(purchase(who, world.now), partition=partition)
            for who in accounts:
                await eventually(partial(_is_decided, world, who))
            assert time.monotonic() - killed_at < WITHIN_SECONDS


async def _has_given_some_away(world: World) -> bool:
    """Whether this copy has some partitions of `purchases`, and another one the others."""
    ours = {place for place in assigned((await world.client.get("/metrics")).text) if place[0] == PURCHASES}
    return 0 < len(ours) < PARTITIONS


async def _is_decided(world: World, who: str) -> bool:
    return (await world.client.get(f"/api/accounts/{who}", headers=operator())).status_code == 200
