"""Events that are decided once more, after their transaction was rolled back: nothing of the first try counts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from aiokafka import TopicPartition
from sqlalchemy import text

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, PURCHASES, STATE
from shared.kafka.batch_applier import BatchApplier
from shared.kafka.positions import Positions
from shared.kafka.reader import Reader
from shared.kafka.record import Batch, DecodedRecord
from shared.outbox import log
from shared.runtime.health import Health
from shared.runtime.latency import DecisionLatency
from shared.storage import stored_positions
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.storage import deduplication
from tests.integration.subscription.core import HandClock
from tests.integration.subscription.core import record as sent
from tests.integration.subscription.test_replaying import event
from tests.integration.subscription.test_same_ids import NOON, purchased
from tests.kit import events
from tests.kit.records import kafka_record
from tests.unit.domain.scenario import RULES, credit, purchase

PLACE: Final = TopicPartition(PURCHASES, 0)
PARTITIONS: Final = {LIFECYCLE: 2, STATE: 2, DEAD_LETTERS: 2}
OUTCOMES: Final = "SELECT outcome, count FROM tally WHERE topic = 'purchases' ORDER BY outcome"
ENTRIES: Final = "SELECT entry_id FROM ledger_entry ORDER BY entry_id"
ORDERS: Final = "SELECT order_id, rejected FROM order_entry"


class Intake:
    """A batch applier without Kafka, on an empty database; batches come from `receive`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.health = Health("consuming")
        self.positions = Positions({PURCHASES: PURCHASES}, engine)
        self.positions.next_offsets[PLACE] = 0
        clock = HandClock()
        clock.instant = NOON
        self.processor = SubscriptionBatchProcessor(
            rules=RULES, clock=clock, partitions=PARTITIONS, logical=lambda record: str(record.topic)
        )
        self._applier = BatchApplier(
            cast(Reader, SimpleNamespace(positions=self.positions)),
            engine=engine,
            batch_processor=self.processor,
            health=self.health,
            latency=DecisionLatency(),
        )

    async def receive(self, *values: tuple[Any, ...], key: bytes | None = b"acme") -> None:
        """Apply these events as one batch."""
        await self.apply([sent(*value)[1] for value in values], key=key)

    async def apply(self, values: Iterable[bytes], *, key: bytes | None) -> None:
        first = self.positions.next_offsets[PLACE]
        records = [kafka_record(PURCHASES, value, offset=first + n, key=key) for n, value in enumerate(values)]
        decoded = [DecodedRecord(record, self.processor.decode(record)) for record in records]
        reached = {PLACE: first + len(decoded)}
        await self._applier._apply(Batch(self.positions.assignment_epoch, decoded, reached, time.monotonic()))

    async def execute(self, statement: str) -> None:
        async with transaction(self.engine) as connection:
            await connection.execute(text(statement))

    async def found(self, statement: str) -> list[tuple[Any, ...]]:
        async with transaction(self.engine) as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]


@pytest.fixture
async def intake(engine: Engine) -> AsyncIterator[Intake]:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, PARTITIONS)
        await stored_positions.begin(connection, {Partition(PURCHASES, 0): 0})
    made = Intake(engine)
    yield made
    for table in ("ledger_entry", "order_entry"):
        await made.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS trouble")


@pytest.mark.rule("R39", "G1")
async def test_a_record_that_is_sent_twice_and_fails_spends_no_id(intake: Intake) -> None:
    await intake.execute("ALTER TABLE ledger_entry ADD CONSTRAINT trouble CHECK (entry_id <> 'bad')")
    bad = event(1, NOON, credit("5.00", "bad"))
    await intake.receive(bad, bad)
    assert await intake.found(OUTCOMES) == [("dead_letter", 2)]
    await intake.execute("ALTER TABLE ledger_entry DROP CONSTRAINT trouble")
    await intake.receive(bad)
    assert await intake.found(ENTRIES) == [("bad",)]


@pytest.mark.rule("R39")
async def test_an_order_behind_one_that_fails_does_not_conflict_with_it(intake: Intake) -> None:
    await intake.execute("ALTER TABLE order_entry ADD CONSTRAINT trouble CHECK (months <> 2)")
    await intake.receive(event(1, NOON, purchase(months=2)), event(2, NOON, purchase(months=3)))
    assert await intake.found(OUTCOMES) == [("applied", 1), ("dead_letter", 1)]
    assert await intake.found(ORDERS) == [("p-1", False)]


@pytest.mark.rule("R39")
async def test_an_id_that_is_given_back_while_its_event_is_sent_again_is_spent_by_that(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with transaction(intake.engine) as connection:
        await deduplication.record_ids(connection, [purchased(1)])
    look, looks = deduplication._fingerprints, list[int]()

    async def look_too_late(connection: Any, keys: Any) -> Any:
        if not looks:
            async with transaction(intake.engine) as other:
                await deduplication.forget(other, [purchased(1)])
        looks.append(1)
        return await look(connection, keys)

    monkeypatch.setattr(deduplication, "_fingerprints", look_too_late)
    await intake.receive(event(2, NOON, purchase()))
    assert await intake.found(OUTCOMES) == [("applied", 1)]


@pytest.mark.rule("G5")
async def test_what_stops_every_record_is_waited_for_also_where_records_have_no_key(intake: Intake) -> None:
    await intake.execute("ALTER TABLE ledger_entry ADD CONSTRAINT trouble CHECK (amount > 1000000)")
    sent_in = [events.credit(f"acct-{n}", "1.00", entry_id=f"e-{n}") | {"time": NOON.isoformat()} for n in range(9)]
    applying = asyncio.ensure_future(intake.apply([json.dumps(each).encode() for each in sent_in], key=None))
    async with asyncio.timeout(20):
        while "5 records in a row failed" not in str(intake.health.unready):
            await asyncio.sleep(0.05)
    applying.cancel()
    assert await intake.found(OUTCOMES) == [("dead_letter", 5)]
