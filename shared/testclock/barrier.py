"""The test clock's barrier: the steps from a requested advance to the event `tenure.clock.settled.v1`.

Runs in the leader only, so each advance has one such event per service. Each step can be repeated: after a crash the
barrier begins again. Steps and reasons: docs/decisions/0005.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from shared.contracts.clock import CLOCK_SETTLED, ClockSettled
from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.topics import TEST_CLOCK_SETTLED
from shared.kafka.input_topics import Ends
from shared.kafka.partitioning import partition_of
from shared.outbox import log, progress
from shared.outbox.log import Entry
from shared.outbox.relay import Relay
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.log_lines import TEST_CLOCK_SETTLED as SETTLED
from shared.runtime.tasks import Operation
from shared.runtime.waits import WaitLog
from shared.storage.database import Connection, transaction
from shared.storage.stored_positions import Partition
from shared.testclock.advances import Advance, finish_advance, oldest_advance
from shared.testclock.clock import TestClock

_POLL_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 1


class Barrier:
    """One per leader. `settle_due` does all that is due at the clock's time and returns when nothing is left."""

    def __init__(self, context: ServiceContext, *, relay: Relay, settle_due: Operation) -> None:
        self._service = context.name
        self._engine = context.engine
        self._inputs = context.inputs
        self._relay = relay
        self._settle_due = settle_due
        self._partitions = context.partitions
        self._waits = WaitLog()
        self._awaited: tuple[int, Ends] | None = None
        """The advance whose inputs are waited for, and their ends; kept when the barrier begins again."""

    async def run(self) -> None:
        """Settle one advance after another, without end."""
        while True:
            try:
                async with transaction(self._engine) as connection:
                    advance = await oldest_advance(connection)
                if advance:
                    await self._settle(advance)
                else:
                    await asyncio.sleep(_POLL_SECONDS)
            except Transient as error:
                self._waits.waits("test clock", str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _settle(self, advance: Advance) -> None:
        """At the old time apply all inputs and do what is due; move; do what is due then; publish the log; report."""
        await self._apply_inputs(advance)
        await self._settle_due()
        async with transaction(self._engine) as connection:
            await TestClock.move(connection, advance.now)
        await self._settle_due()
        async with transaction(self._engine) as connection:
            ends = await progress.ends(connection)
        await self._relay.wait_until_published(ends)
        async with transaction(self._engine) as connection:
            await self._report(connection, advance)
        self._waits.goes_on("test clock")
        SETTLED.say(now=advance.now.isoformat())

    async def _apply_inputs(self, advance: Advance) -> None:
        """Wait until the inputs are applied to the ends that they had at the first look for this advance."""
        if self._awaited is None or self._awaited[0] != advance.id:
            self._awaited = (advance.id, await self._inputs.ends())
        await self._inputs.wait_until_applied(self._awaited[1])

    async def _report(self, connection: Connection, advance: Advance) -> None:
        """The advance ends, and the event that says so is appended to the log, in one transaction."""
        await finish_advance(connection, advance)
        partition = settled_partition(self._service, self._partitions)
        await log.append(connection, [_settled(self._service, advance, partition)])


def settled_partition(service: str, partitions: Mapping[str, int]) -> Partition:
    """The partition of `test-clock-settled` that this service writes, and no other one."""
    return Partition(TEST_CLOCK_SETTLED, partition_of(service, partitions[TEST_CLOCK_SETTLED]))


def _settled(service: str, advance: Advance, partition: Partition) -> Entry:
    attributes = {
        "id": f"settled-{service}-{advance.id}",
        "source": f"/tenure/{service}",
        "type": CLOCK_SETTLED,
        "time": wire_time(advance.now),
        "subject": service,
        "recordedat": wire_time(advance.now),
    }
    data = ClockSettled(service=service, now=advance.now, advance_id=advance.advance_id)
    return Entry(
        topic=partition.topic,
        partition=partition.partition,
        key=service.encode(),
        value=encode(attributes, to_json(data)),
    )
