"""Timers run as soon as the inputs are read to where they ended at the first look, however much has come since (R4)."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE, PURCHASES, RENEWALS
from shared.kafka.input_topics import Ends
from shared.runtime.errors import Transient
from shared.storage.database import Connection
from shared.storage.stored_positions import Partition
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Batch, Core
from tests.kit.events import START, account, renewal
from tests.kit.parts import fresh_database
from tests.unit.domain.scenario import RULES

PARK_FOR = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


class LaggingInputs:
    """Grow with every look, and are read to no end as often as `late` says."""

    def __init__(self) -> None:
        self.late = 0
        self.checks = 0
        self.awaited: list[int] = []

    async def ends(self) -> Ends:
        self.checks += 1
        return {Partition(PURCHASES, 0): self.checks}

    async def wait_until_applied(self, ends: Ends) -> None:
        self.awaited.append(ends[Partition(PURCHASES, 0)])
        if self.late:
            self.late -= 1
            raise Transient("the inputs are still being read")


@pytest.fixture
def inputs() -> LaggingInputs:
    return LaggingInputs()


@pytest.fixture
def core(postgres: Postgres, inputs: LaggingInputs) -> Iterator[Core]:
    with fresh_database(postgres) as url:
        made = Core(url, RULES, inputs)
        made.begin()
        yield made
        made.close()


def wait_from(core: Core, instant: datetime) -> None:
    """A renewal that waits for its purchase from this instant on."""
    core.receive(Batch(instant, [(RENEWALS, json.dumps(renewal(account(), instant)).encode())]))


async def run_while_all_is_held(core: Core, connection: Connection, now: datetime) -> None:
    """Let the timers run for 1.2 s while another transaction has locked every account."""
    await connection.execute(text("SELECT FROM account FOR UPDATE"))
    core._clock.instant = now
    with suppress(TimeoutError):
        async with asyncio.timeout(1.2):
            await core._timers.run_all_due()


@pytest.mark.rule("R4", "G5")
def test_timers_run_under_a_steady_lag_and_those_due_since_wait_for_the_next_look(
    core: Core, inputs: LaggingInputs
) -> None:
    wait_from(core, START)
    wait_from(core, START + MINUTE)
    inputs.late = 3
    for minutes in range(3):
        with pytest.raises(Transient):
            core.run_due(START + PARK_FOR + minutes * MINUTE)
    assert core.published(LIFECYCLE) == []
    core.run_due(START + PARK_FOR + 3 * MINUTE)
    assert inputs.awaited == [1, 1, 1, 1, 2]
    assert len(core.published(LIFECYCLE)) == 2


@pytest.mark.rule("G5")
def test_timers_pause_while_somebody_else_holds_all_that_is_due_and_then_run_it(
    core: Core, inputs: LaggingInputs
) -> None:
    wait_from(core, START)
    core.reading(lambda connection: run_while_all_is_held(core, connection, START + PARK_FOR))
    assert inputs.checks <= 4
    assert core.published(LIFECYCLE) == []
    core.run_due(START + PARK_FOR)
    assert len(core.published(LIFECYCLE)) == 1
