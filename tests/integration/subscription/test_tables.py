"""Copies that start at once, what is due is read from an index, and a bug in one decision stays with one event."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

import subscription_service
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, PURCHASES, STATE
from shared.kafka.record import DecodedRecord
from shared.outbox import log
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.storage import event_counts
from shared.storage.database import Engine, connect, driver, transaction
from shared.storage.migrations import migrate
from shared.testclock.clock import SystemClock
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.domain.policy import Rules
from subscription_service.policy_files import catalog, policy
from subscription_service.retiming import Retiming
from subscription_service.storage import due_accounts
from tests.kit.events import PARTIAL, account, purchase
from tests.kit.records import kafka_record

SCHEMA = "subscription"
MIGRATIONS = Path(subscription_service.__file__).parent / "migrations"
COPIES = 6
PARTITIONS = {LIFECYCLE: 2, STATE: 2, DEAD_LETTERS: 2}


async def test_copies_that_start_at_once_make_the_tables_and_time_the_accounts_once(database_url: str) -> None:
    rules = Rules(policy=policy.load_policy(), catalog=catalog.load_catalog())
    engines = [connect(database_url, SCHEMA) for _ in range(COPIES)]
    try:
        await asyncio.gather(*(migrate(database_url, SCHEMA, MIGRATIONS) for _ in engines))
        for _ in range(2):  # the first time there is no policy yet, then an older one
            await asyncio.gather(*(Retiming(rules, _context(engine), users=[]).prepare() for engine in engines))
            async with transaction(engines[0]) as connection:
                assert (await connection.execute(text("SELECT count(*) FROM applied_policy"))).scalar_one() == 1
                await connection.execute(text("UPDATE applied_policy SET fingerprint = 'an older one'"))
    finally:
        await asyncio.gather(*(engine.dispose() for engine in engines))


def _context(engine: Engine) -> ServiceContext:
    context = SimpleNamespace(engine=engine, clock=SystemClock(), health=Health())
    return cast(ServiceContext, context)


async def test_whether_anything_is_due_is_read_off_the_index_however_many_accounts_there_are(
    engine: Engine,
) -> None:
    statement = due_accounts.ANY_DUE.text.replace(":now", "$1").replace(":but", "$2")
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "INSERT INTO account (account_id, partition, next_due_at)"
                " SELECT 'acct-' || n, 0, now() + n * interval '1 minute' FROM generate_series(1, 20000) AS n"
            )
        )
        await connection.execute(text("ANALYZE account"))
        await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await driver(connection).execute(f"PREPARE due (timestamptz, text[]) AS {statement}")
        plan = await driver(connection).fetch("EXPLAIN EXECUTE due (now(), '{}')")
    assert any("Index Scan using account_due" in row[0] for row in plan), plan


@pytest.mark.rule("G4", "R39")
async def test_a_bug_in_one_decision_makes_that_event_alone_a_dead_letter_that_spends_no_id(
    engine: Engine,
) -> None:
    """The bug: a catalog that lacks an edition, which no catalog file can."""
    whole = catalog.load_catalog()
    editions = {name: price for name, price in whole.editions.items() if name != "ultimate"}
    broken = Rules(policy=policy.load_policy(), catalog=replace(whole, editions=editions))
    struck = purchase(account(), specification={**PARTIAL, "edition": "ultimate"})
    neighbours = [purchase(account()) for _ in range(4)]
    await _apply(engine, broken, [*neighbours[:2], struck, *neighbours[2:]])
    assert await _counts(engine) == {"applied": 4, "dead_letter": 1}
    assert await _reason(engine) == "internal_error"
    await _apply(engine, replace(broken, catalog=whole), [struck])
    assert await _counts(engine) == {"applied": 5, "dead_letter": 1}


async def _apply(engine: Engine, rules: Rules, values: Sequence[Any]) -> None:
    batch_processor = SubscriptionBatchProcessor(
        rules=rules, clock=SystemClock(), partitions=PARTITIONS, logical=lambda record: str(record.topic)
    )
    records = [
        kafka_record(PURCHASES, json.dumps(value).encode(), offset=offset) for offset, value in enumerate(values)
    ]
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, PARTITIONS)
        await batch_processor.apply(
            connection, [DecodedRecord(record, batch_processor.decode(record)) for record in records]
        )


async def _counts(engine: Engine) -> dict[str, int]:
    async with transaction(engine) as connection:
        return {outcome: count for (_, outcome), count in (await event_counts.read(connection)).items()}


async def _reason(engine: Engine) -> str:
    async with transaction(engine) as connection:
        packed = (await connection.execute(text("SELECT headers FROM log WHERE topic = 'dead-letters'"))).scalar_one()
    return (dict(log.unpack(packed))["dead-letter-reason"] or b"").decode()
