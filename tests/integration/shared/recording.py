"""An intake whose batch processor stores every value that it is given, in the table `applied`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import text

from shared.contracts.topics import PURCHASES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.dead_letters import dead_letter_line
from shared.kafka.intake import Intake, build_intake
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.components import ServiceContext
from shared.runtime.log_lines import LogMessage
from shared.storage.database import Connection, Engine, transaction

POISON: Final = b"poison"
UNREADABLE: Final = b"unreadable"


class Recording:
    """A batch processor that stores every value; one value breaks its whole batch, another one its decoding."""

    def decode(self, record: Record) -> bytes | None:
        if record.value == UNREADABLE:
            raise ZeroDivisionError
        value: bytes | None = record.value
        return value

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        for record, content in decoded:
            unreadable = isinstance(content, Unreadable)
            assert unreadable or content == record.value
            await _store(connection, record, dead_letter=unreadable)
            if record.value == POISON:
                raise ZeroDivisionError
        return ()

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> Sequence[LogMessage]:
        assert isinstance(error, ZeroDivisionError)
        await _store(connection, record, dead_letter=True)
        return [dead_letter_line(record, Reason.INTERNAL_ERROR, error)]


async def _store(connection: Connection, record: Record, *, dead_letter: bool) -> None:
    row = {"value": (record.value or b"").decode("latin-1").replace("\0", "."), "dead_letter": dead_letter}
    await connection.execute(text("INSERT INTO applied VALUES (:value, :dead_letter)"), row)


async def applied(engine: Engine, *, dead_letter: bool = False) -> list[str]:
    """The values that were applied, or those that became dead letters, in order."""
    query = text("SELECT value FROM applied WHERE dead_letter = :dead_letter")
    async with transaction(engine) as connection:
        return [row[0] for row in await connection.execute(query, {"dead_letter": dead_letter})]


async def has_applied(engine: Engine, count: int) -> bool:
    """Whether at least so many were applied."""
    return len(await applied(engine)) >= count


def recording_intake(context: ServiceContext, *topics: str) -> Intake:
    """Not started; it reads `purchases` where no logical topics are given."""
    return build_intake(context, Recording(), group="tests", topics=topics or [PURCHASES])


@asynccontextmanager
async def running_intake(context: ServiceContext, *topics: str) -> AsyncIterator[tuple[Intake, "asyncio.Task[None]"]]:
    """The intake, and the task in which it runs until the block ends."""
    intake = recording_intake(context, *topics)
    await intake.start()
    task = asyncio.create_task(intake.run())
    try:
        yield intake, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await intake.stop(10)
