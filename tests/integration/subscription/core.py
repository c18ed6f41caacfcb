"""Batches, timers and storage of the subscription service on a real database, without Kafka."""

import asyncio
import gc
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast

from sqlalchemy import TextClause, text

import subscription_service
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, STATE
from shared.contracts.unreadable import Unreadable
from shared.kafka.input_topics import Ends
from shared.kafka.record import DecodedRecord
from shared.outbox import log
from shared.outbox.documents import DocumentsInPlace
from shared.runtime.components import ServiceContext
from shared.storage import event_counts
from shared.storage.database import Connection, connect, transaction
from shared.storage.migrations import migrate
from subscription_service.audit.compare import Audited, audit
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.domain.policy import Rules
from subscription_service.recent_states import RecentStates
from subscription_service.state_documents import StateDocuments
from subscription_service.timer_runner import TimerRunner
from tests.kit.records import kafka_record

T = TypeVar("T")

SCHEMA: Final = "subscription"
PARTITIONS: Final = {LIFECYCLE: 2, STATE: 2, DEAD_LETTERS: 2}
STORED: Final = (
    "account",
    "server",
    "configuration",
    "coupon",
    "coupon_revocation",
    "ledger_entry",
    "order_entry",
    "waiting",
    "log",
)
EMPTIED: Final = (
    *STORED,
    "event_claim",
    "id_claim",
    "tally",
    "output_partition",
    "subscription_count",
    "waiting_count",
)
WRITTEN_TO: Final = (*STORED, "event_claim", "id_claim")
_PARKED: Final = text("SELECT count(*) FROM waiting")
_READ: Final = "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM"
_ROWS_READ: Final = text(f"{_READ} pg_stat_xact_user_tables WHERE schemaname = '{SCHEMA}'")
_ALL_ROWS_READ: Final = text(
    f"{_READ} pg_stat_user_tables, pg_stat_force_next_flush(), pg_stat_clear_snapshot() WHERE schemaname = '{SCHEMA}'"
)
_PUBLISHED: Final = text(
    "SELECT topic, partition, sequence, key, value, headers FROM log WHERE topic = :topic ORDER BY partition, sequence"
)


@dataclass(frozen=True)
class Batch:
    """Records that are read at one instant of the service clock: (topic, value) of each, in order of arrival."""

    now: datetime
    records: Sequence[tuple[str, bytes]]


class _RolledBackError(Exception):
    """What ends a transaction that is to be rolled back."""


class HandClock:
    """A service clock that stands at `instant` until a test sets it."""

    def __init__(self) -> None:
        self.instant = datetime.min.replace(tzinfo=UTC)

    async def now(self, connection: Connection) -> datetime:
        return self.instant


class NoInputs:
    """Stands for the input topics: everything in them has been read."""

    async def ends(self) -> Ends:
        return {}

    async def wait_until_applied(self, ends: Ends) -> None:
        return


class Core:
    """One database of its own, which `begin` empties."""

    def __init__(self, url: str, rules: Rules, inputs: object = None) -> None:
        self.longest_pause = 0.0
        self._rules = rules
        self._runner = asyncio.Runner()
        self._engine = connect(url, SCHEMA)
        self._clock = HandClock()
        context = SimpleNamespace(
            clock=self._clock, engine=self._engine, inputs=inputs or NoInputs(), partitions=PARTITIONS, health=None
        )
        self.recent = RecentStates()
        self._documents = StateDocuments(rules=rules, engine=self._engine, recent=self.recent)
        self.begin_publishing()
        self._timers = TimerRunner(rules, cast(ServiceContext, context), self.recent)
        self._batch_processor = SubscriptionBatchProcessor(
            rules=rules,
            clock=self._clock,
            partitions=PARTITIONS,
            logical=lambda one: str(one.topic),
            recent=self.recent,
        )
        migrations = Path(subscription_service.__file__).parent / "migrations"
        self._runner.run(migrate(url, SCHEMA, migrations))

    def close(self) -> None:
        self._runner.run(self._engine.dispose())
        self._runner.close()

    def begin(self) -> None:
        self._runner.run(self._begin())

    def migrated(self, *statements: str) -> None:
        """Run statements of a newer copy's migration while this copy runs."""
        self._runner.run(self._migrated(statements))

    def receive(self, *batches: Batch) -> None:
        """Decide each batch in one transaction, and run what is due after it.

        `longest_pause`: seconds for which the event loop could do nothing else meanwhile.
        """
        for batch in batches:
            self._runner.run(self._receive_and_watch(batch))

    def begin_publishing(self) -> None:
        """What `published` gives comes from another producer, as after a change of leader."""
        self._in_place = DocumentsInPlace({STATE: self._documents})

    def roll_back(self, batch: Batch) -> None:
        """Decide a batch in a transaction that is rolled back."""
        with suppress(_RolledBackError):
            self._runner.run(self._roll_back(batch))

    def rows_read(self, batch: Batch) -> Counter[str]:
        """Table -> rows that PostgreSQL reads while the events of this batch are decided."""
        return self._runner.run(self._rows_read(batch))

    def rows_read_by(self, read: Callable[[Connection], Awaitable[object]]) -> Counter[str]:
        """The same for what `read` does."""
        return self._runner.run(self._rows_read_by(read))

    def due_rows_read(self, now: datetime) -> Counter[str]:
        """The same for what is due of all accounts by then."""
        return self._runner.run(self._due_rows_read(now))

    def run_due(self, now: datetime) -> None:
        """Run what is due by then. Raises `Transient` where the inputs do."""
        self._clock.instant = now
        self._runner.run(self._timers.run_all_due())

    def reading(self, read: Callable[[Connection], Awaitable[T]]) -> T:
        """What `read` gives, in a transaction of its own."""
        return self._runner.run(self._reading(read))

    def stored(self) -> dict[str, list[Any]]:
        """Table -> its rows as text, of every table that holds decisions."""
        return self._runner.run(self._stored())

    def published(self, topic: str, *, up_to: int | None = None) -> list[bytes]:
        """The values that the relay would publish on this topic, in order, for the first `up_to` entries of the log."""
        return self._runner.run(self._published(topic, up_to))

    def counted(self) -> Counter[str]:
        """Outcome -> number of records, with those that wait as `parked` (G4)."""
        return self._runner.run(self._counted())

    def differences(self) -> list[Any]:
        """What `tenure audit` finds."""
        return self._runner.run(self._differences())

    async def _begin(self) -> None:
        self.begin_publishing()
        async with transaction(self._engine) as connection:
            await connection.execute(text(f"TRUNCATE {', '.join(EMPTIED)} RESTART IDENTITY"))
            await log.fix_partitions(connection, PARTITIONS)

    async def _migrated(self, statements: Sequence[str]) -> None:
        async with transaction(self._engine) as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def _receive_and_watch(self, batch: Batch) -> None:
        gc.freeze()  # a service's heap holds no tests, through which the collector would search during a pause
        watching = asyncio.create_task(self._watch())
        await self._receive(batch)
        watching.cancel()
        gc.unfreeze()

    async def _watch(self) -> None:
        """Seconds of this thread's processor, so that it does not matter what else the machine is doing."""
        self.longest_pause = 0.0
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            self.longest_pause = max(self.longest_pause, time.thread_time() - before)

    async def _receive(self, batch: Batch) -> None:
        self._clock.instant = batch.now
        async with transaction(self._engine) as connection:
            await self._apply(connection, batch)
        await self._timers.run_all_due()

    async def _roll_back(self, batch: Batch) -> None:
        self._clock.instant = batch.now
        async with transaction(self._engine) as connection:
            await self._apply(connection, batch)
            raise _RolledBackError

    async def _reading(self, read: Callable[[Connection], Awaitable[T]]) -> T:
        async with transaction(self._engine) as connection:
            return await read(connection)

    async def _rows_read(self, batch: Batch) -> Counter[str]:
        self._clock.instant = batch.now
        return await self._rows_read_by(lambda connection: self._apply(connection, batch))

    async def _rows_read_by(self, read: Callable[[Connection], Awaitable[object]]) -> Counter[str]:
        async with transaction(self._engine) as connection:
            before = await _read(connection, _ROWS_READ)
            await read(connection)
            return await _read(connection, _ROWS_READ) - before

    async def _due_rows_read(self, now: datetime) -> Counter[str]:
        self._clock.instant = now
        before = await self._all_rows_read()
        await self._timers.run_all_due()
        return await self._all_rows_read() - before

    async def _all_rows_read(self) -> Counter[str]:
        """Twice, since what this session has read before counts only after the first time."""
        return [await self._reading(lambda connection: _read(connection, _ALL_ROWS_READ)) for _ in range(2)][1]

    async def _apply(self, connection: Connection, batch: Batch) -> None:
        opened = [self._opened(topic, value) for topic, value in batch.records]
        await self._batch_processor.apply(connection, opened)

    def _opened(self, topic: str, value: bytes) -> DecodedRecord:
        record = kafka_record(topic, value)
        try:
            return DecodedRecord(record, self._batch_processor.decode(record))
        except Unreadable as unreadable:
            return DecodedRecord(record, unreadable)

    async def _stored(self) -> dict[str, list[Any]]:
        async with transaction(self._engine) as connection:
            return {name: await _rows(connection, name) for name in STORED}

    async def _published(self, topic: str, up_to: int | None) -> list[bytes]:
        async with transaction(self._engine) as connection:
            found = (await connection.execute(_PUBLISHED, {"topic": topic})).all()
        return [bytes(row[4]) for row in await self._in_place.fill(found[:up_to])]

    async def _counted(self) -> Counter[str]:
        async with transaction(self._engine) as connection:
            sums = Counter({"parked": (await connection.execute(_PARKED)).scalar_one()})
            for (_, outcome), count in (await event_counts.read(connection)).items():
                sums[outcome] += count
        return sums

    async def _differences(self) -> list[Any]:
        return [each async for each in audit(self._engine, self._rules, Audited())]


def record(topic: str, event: Any) -> tuple[str, bytes]:
    """(topic, value) of an event, for a `Batch`."""
    return topic, json.dumps(event).encode()


async def _read(connection: Connection, statement: TextClause) -> Counter[str]:
    return Counter(dict(iter(await connection.execute(statement))))


async def _rows(connection: Connection, table: str) -> list[Any]:
    found = await connection.execute(text(f"SELECT CAST(t AS text) FROM {table} t ORDER BY 1"))
    return [row[0] for row in found]
