"""One copy of the subscription service on a database of its own, without Kafka; its clock is set by hand.

It decides with the service's own code: `SubscriptionBatchProcessor`, `TimerRunner`, `StateDocuments`. What a
transaction takes is measured from decoding to the state document, in this process and in its one database session.
"""

import time
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, Self, TypeAlias, cast

import asyncpg

from benchmarks.deciding import PARTITIONS, deciding, migrated, record_of
from benchmarks.workload import Message
from shared.kafka.input_topics import Ends
from shared.kafka.record import DecodedRecord
from shared.runtime.components import ServiceContext
from shared.storage.database import Connection, Engine, driver, transaction
from subscription_service.app import SUBSCRIPTION
from subscription_service.domain.policy import Rules
from subscription_service.timer_runner import TimerRunner

_TABLES: Final = ("account", "server", "configuration", "coupon", "order_entry", "ledger_entry", "waiting", "log")
WAIT_OVER: Final = "end of a wait"
_NEXT_DUE: Final = (
    f"SELECT next_due_at, account_id, coalesce(next_timer, '{WAIT_OVER}') FROM account"
    " WHERE next_due_at IS NOT NULL ORDER BY next_due_at LIMIT 1"
)


class Cost(NamedTuple):
    """Milliseconds: on the clock, and of the processor, this process's and the database session's together."""

    wall: float
    processor: float

    def each_of(self, number: int) -> "Cost":
        """Of one of so many."""
        return Cost(self.wall / number, self.processor / number)


Samples: TypeAlias = dict[str, dict[int, list[Cost]]]
"""What was done -> how much there is -> what it took each time."""


class Due(NamedTuple):
    """What is due first: at which instant (UTC), of which account, and the kind of its timer, or `WAIT_OVER`."""

    at: datetime
    account_id: str
    kind: str


class _HandClock:
    def __init__(self) -> None:
        self.now_is = datetime.min.replace(tzinfo=UTC)

    async def now(self, connection: Connection) -> datetime:
        return self.now_is


class _NoInputs:
    """Stands for the input topics: all that was in them has been applied."""

    async def ends(self) -> Ends:
        return {}

    async def wait_until_applied(self, ends: Ends) -> None:
        return


class Copy:
    """`at` is what the service clock says (UTC)."""

    def __init__(self, url: str, engine: Engine, rules: Rules, session: int) -> None:
        self.url = url
        self.rules = rules
        self._clock = _HandClock()
        self._engine = engine
        self._schedstat = Path(f"/proc/{session}/schedstat")
        self._processor, self._states, recent = deciding(engine, rules, self._clock)
        context = SimpleNamespace(
            clock=self._clock, engine=engine, inputs=_NoInputs(), partitions=PARTITIONS, health=None
        )
        self._timers = TimerRunner(rules, cast(ServiceContext, context), recent)

    @classmethod
    async def begin(cls, url: str, rules: Rules) -> Self:
        """Migrate the database, and connect one session to it."""
        engine = await migrated(url)
        async with transaction(engine) as connection:
            session = driver(connection).get_server_pid()
        return cls(url, engine, rules, session)

    @property
    def at(self) -> datetime:
        """What the service clock says (UTC)."""
        return self._clock.now_is

    @at.setter
    def at(self, now: datetime) -> None:
        self._clock.now_is = now

    async def end(self) -> None:
        """Close the session."""
        await self._engine.dispose()

    async def apply(self, messages: Sequence[Message]) -> Cost:
        """Decide these in one transaction, and make the state documents of their accounts."""
        return await self._measured(self._apply(messages))

    async def run_due(self) -> Cost:
        """Run all that is due."""
        return await self._measured(self._timers.run_all_due())

    async def next_due(self) -> Due:
        """What is due first of all accounts, of which one has a timer at least."""
        [row] = await self.sql(_NEXT_DUE)
        return Due(*row)

    async def rows(self) -> Mapping[str, int]:
        """Table -> its rows."""
        return {table: (await self.sql(f"SELECT count(*) FROM {table}"))[0][0] for table in _TABLES}

    async def sql(self, statement: str, *arguments: object) -> Sequence[Any]:
        """Execute in a session of its own, whose time is not measured."""
        connection = await asyncpg.connect(self.url, server_settings={"search_path": SUBSCRIPTION.name})
        try:
            found: Sequence[Any] = await connection.fetch(statement, *arguments)
            return found
        finally:
            await connection.close()

    async def _apply(self, messages: Sequence[Message]) -> None:
        records = [record_of(message) for message in messages]
        decoded = [DecodedRecord(record, self._processor.decode(record)) for record in records]
        async with transaction(self._engine) as connection:
            await self._processor.apply(connection, decoded)
        await self._states.latest({message.account_id: 0 for message in messages})

    async def _measured(self, act: Awaitable[object]) -> Cost:
        wall, processor = time.perf_counter(), self._processor_seconds()
        await act
        return Cost((time.perf_counter() - wall) * 1000, (self._processor_seconds() - processor) * 1000)

    def _processor_seconds(self) -> float:
        """Of this process and of the database session, where the system tells it."""
        session = int(self._schedstat.read_text().split()[0]) / 1e9 if self._schedstat.exists() else 0.0
        return time.process_time() + session
