"""Deleting what is old: any number of rows, in steps that are short, while copies work side by side."""

import asyncio
import logging
import time
from functools import partial
from itertools import count
from statistics import median
from typing import Final

import pytest
from sqlalchemy import text

from shared.contracts.topics import STATE
from shared.storage.database import Connection, Engine, transaction
from subscription_service.housekeeping import delete_in_steps
from subscription_service.storage import deduplication, published

SCHEMA: Final = "subscription"
OLD: Final = 1_000_000
YOUNG: Final = 50_000
LONGEST_STEP_SECONDS: Final = 5.0
NEIGHBOUR_SECONDS: Final = 1.0
IDS: Final = (
    "INSERT INTO event_claim SELECT decode(md5('{age}' || n), 'hex'), now() - interval '{age} days'"
    " FROM generate_series({first}, {last}) AS n"
)


async def _execute(engine: Engine, statement: str) -> None:
    async with transaction(engine) as connection:
        await connection.execute(text(statement))


async def _count(engine: Engine, table: str) -> int:
    async with transaction(engine) as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


@pytest.mark.rule("R39")
@pytest.mark.timeout(180)
async def test_a_million_old_ids_go_in_short_steps_that_two_copies_divide_and_the_young_stay(engine: Engine) -> None:
    for first in range(0, OLD, 100_000):
        await _execute(engine, IDS.format(age=36, first=first + 1, last=first + 100_000))
    await _execute(engine, IDS.format(age=34, first=1, last=YOUNG))
    steps: list[float] = []

    async def timed(connection: Connection, limit: int) -> int:
        began = time.monotonic()
        found = await deduplication.forget_old(connection, limit, days=35)
        steps.append(time.monotonic() - began)
        return found

    waited: list[float] = []
    neighbour = asyncio.create_task(_record_ids(engine, waited))
    deleted = await asyncio.gather(*(delete_in_steps(engine, timed, what="ids") for _ in range(2)))
    neighbour.cancel()
    await asyncio.gather(neighbour, return_exceptions=True)
    assert sum(deleted) == OLD
    assert await _count(engine, "event_claim") - YOUNG - len(waited) in (0, 1)  # the last one may just be committed
    assert min(deleted) > 0
    assert max(steps) < LONGEST_STEP_SECONDS
    assert median(waited) < NEIGHBOUR_SECONDS
    assert max(waited) < LONGEST_STEP_SECONDS


async def _record_ids(engine: Engine, waited: list[float]) -> None:
    """What an event that is decided meanwhile does with its id: seconds that each took."""
    for number in count():
        began = time.monotonic()
        await _execute(engine, IDS.format(age=0, first=number, last=number))
        waited.append(time.monotonic() - began)


async def test_published_state_documents_go_in_steps_but_the_last_of_each_partition(engine: Engine) -> None:
    await _execute(engine, f"INSERT INTO relay_position VALUES ('{STATE}', 0, 60000), ('{STATE}', 1, 500)")
    await _execute(
        engine,
        f"INSERT INTO log (topic, partition, sequence) SELECT '{STATE}', p, n FROM generate_series(0, 1) AS p,"
        " generate_series(1, 61000) AS n",
    )
    step = partial(published.delete_published_state, keep=1000)
    assert await delete_in_steps(engine, step, what="documents") == 60_000 - 1000 - 1
    assert await _count(engine, "log") == 2 * 61_000 - (60_000 - 1000 - 1)


async def test_a_step_that_is_too_slow_is_halved_until_it_is_short_enough(engine: Engine) -> None:
    """Each row takes 1 ms here, and a statement may take half a second."""
    left = 20_000

    async def slow(connection: Connection, limit: int) -> int:
        nonlocal left
        await connection.execute(text("SET LOCAL statement_timeout = '0.5s'"))
        found = min(limit, left)
        await connection.execute(text(f"SELECT pg_sleep({found / 20_000})"))
        left -= found
        return found

    assert await delete_in_steps(engine, slow, what="rows") == 20_000


async def test_what_cannot_be_deleted_in_time_is_said_at_warning(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async def endless(_connection: Connection, limit: int) -> int:
        return limit

    with caplog.at_level(logging.WARNING):
        assert await delete_in_steps(engine, endless, what="ids of events", seconds=0.1) > 0
    assert "housekeeping cannot keep up" in caplog.text
