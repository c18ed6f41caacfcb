"""The test clock's barrier: from an advance that was asked for to the word that all is settled.

Runs in the leader only, so that there is one `settled` a service. Each step may be repeated: a crash begins the
barrier anew. What a service does in between is its own (`before`, `after`); the steps are the contract's.
"""

import asyncio
import logging
from collections.abc import Mapping

from shared.contracts.clock import CLOCK_SETTLED, ClockSettled
from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.topics import TEST_CLOCK_SETTLED
from shared.kafka.partitioning import partition_of
from shared.outbox import log, progress
from shared.outbox.log import Entry
from shared.outbox.relay import Relay
from shared.runtime.components import Operation, ServiceContext
from shared.runtime.errors import Transient
from shared.storage.database import Connection, transaction
from shared.storage.offsets import Partition
from shared.testclock import clock
from shared.testclock.clock import Advance, TestClock

_POLL_SECONDS = 0.05

logger = logging.getLogger(__name__)


class Barrier:
    """`settle_due` does all that is due at the clock's time and returns when nothing is left."""

    def __init__(self, context: ServiceContext, *, relay: Relay, settle_due: Operation) -> None:
        self._service = context.name
        self._engine = context.engine
        self._inputs = context.inputs
        self._relay = relay
        self._settle_due = settle_due
        self._partitions = context.partitions

    async def run(self) -> None:
        """Take one advance after another, for ever. Raises `Alarm`."""
        while True:
            try:
                async with transaction(self._engine) as connection:
                    advance = await clock.ordered(connection)
                if advance:
                    await self._pass(advance)
                else:
                    await asyncio.sleep(_POLL_SECONDS)
            except Transient as away:
                logger.warning("the clock's barrier begins anew: %s", away)
                await asyncio.sleep(1)

    async def _pass(self, advance: Advance) -> None:
        """Read all at the old time; move; settle; publish; say so."""
        await self._inputs.wait_until_applied()
        await self._settle_due()
        async with transaction(self._engine) as connection:
            await TestClock.move(connection, advance.now)
        await self._settle_due()
        async with transaction(self._engine) as connection:
            ends = await progress.ends(connection)
        await self._relay.published(ends)
        async with transaction(self._engine) as connection:
            await self._say(connection, advance)
        logger.info("the clock stands at %s: settled", advance.now.isoformat())

    async def _say(self, connection: Connection, advance: Advance) -> None:
        await clock.done(connection, advance)
        place = own_place(self._service, self._partitions)
        await log.append(connection, [_settled(self._service, advance, place)])


def own_place(service: str, partitions: Mapping[str, int]) -> Partition:
    """Where a service says that it has settled; no other service writes there."""
    return Partition(TEST_CLOCK_SETTLED, partition_of(service, partitions[TEST_CLOCK_SETTLED]))


def _settled(service: str, advance: Advance, place: Partition) -> Entry:
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
        topic=place.topic,
        partition=place.partition,
        key=service.encode(),
        value=encode(attributes, to_json(data)),
    )
