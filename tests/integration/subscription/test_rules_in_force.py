"""Copies with different files, on a real database: who serves goes on, also after the database was away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.storage.database import Engine, transaction
from shared.testclock.clock import SystemClock
from subscription_service import rules_in_force
from subscription_service.domain.policy import Rules
from subscription_service.rules_in_force import RulesInForce
from tests.kit.waiting import eventually
from tests.unit.domain.scenario import RULES, rules

OTHER = rules(park_limit=5)


class Copy:
    """One copy's hold on the rules."""

    def __init__(self, its_rules: Rules, url: str, engine: Engine) -> None:
        self.health = Health()
        settings = SimpleNamespace(database_url=SecretStr(url), accept_policy_change=None)
        context = SimpleNamespace(
            settings=settings, schema="subscription", engine=engine, health=self.health, clock=SystemClock()
        )
        self._in_force = RulesInForce(its_rules, cast(ServiceContext, context))
        self.started = asyncio.create_task(self._in_force.prepare())

    @property
    def serves(self) -> bool:
        holding = self._in_force._holding
        return self._in_force._agreed.is_set() and holding is not None and not holding.done()

    async def is_away(self) -> None:
        """Its session ends, and it does not try to get another one."""
        assert self._in_force._holding is not None
        self._in_force._holding.cancel()
        with suppress(asyncio.CancelledError):
            await self._in_force._holding

    def comes_back(self) -> None:
        self._in_force._holding = asyncio.create_task(self._in_force._hold())


@pytest.fixture
async def copies(database_url: str, engine: Engine) -> AsyncIterator[tuple[Copy, Copy]]:
    """One that serves, and one with other rules that waits."""
    serving = Copy(RULES, database_url, engine)
    await serving.started
    waiting = Copy(OTHER, database_url, engine)
    await eventually(lambda: _says(waiting, "another copy runs"))
    yield serving, waiting
    waiting.started.cancel()
    for each in (serving, waiting):
        await each.is_away()


async def _says(copy: Copy, words: str) -> bool:
    return words in copy.health.unready.get("policy", "")


async def _database_away(engine: Engine) -> None:
    """Every session that holds or wants the lock ends."""
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tenure-subscription-lock' AND datname = current_database()"
            )
        )


async def test_after_the_database_was_away_the_copy_that_served_goes_on_and_the_other_waits_again(
    copies: tuple[Copy, Copy], engine: Engine
) -> None:
    serving, waiting = copies
    await _database_away(engine)
    await serving.is_away()
    await eventually(lambda: _says(waiting, "may come back"))
    serving.comes_back()
    await eventually(lambda: _says(waiting, "another copy runs"))
    assert (serving.serves, waiting.serves) == (True, False)


async def test_a_copy_that_waits_takes_over_at_once_when_the_last_other_one_has_ended(
    copies: tuple[Copy, Copy],
) -> None:
    serving, waiting = copies
    await serving.is_away()
    await asyncio.wait_for(waiting.started, 5)
    assert waiting.serves


async def test_where_nobody_comes_back_the_copy_that_waits_takes_over(
    copies: tuple[Copy, Copy], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_in_force, "_RETURN_SECONDS", 2.0)
    serving, waiting = copies
    await _database_away(engine)
    await serving.is_away()
    await eventually(lambda: _says(waiting, "may come back"))
    await asyncio.wait_for(waiting.started, 10)
    assert waiting.serves
