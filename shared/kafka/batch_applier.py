"""Applying batches: one transaction per batch, in which the positions move together with the effects. A batch with
large records is applied in several (`parts`).

Invariants: a record takes effect exactly once, by a compare-and-swap on the stored position (G1); `Transient` errors
are waited out and nothing is skipped (G5); a record that breaks its batch becomes a dead letter, alone (G4), unless
many do in a row (`culprits`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from shared.contracts.unreadable import Unreadable
from shared.kafka.culprits import Culprits
from shared.kafka.parts import in_parts
from shared.kafka.reader import Reader
from shared.kafka.record import Batch, DecodedRecord, Offsets, Record
from shared.runtime.errors import Alarm, PositionConflict, SlowStatement, Transient
from shared.runtime.health import Health
from shared.runtime.latency import DecisionLatency
from shared.runtime.log_lines import BATCH_UNFINISHED, READS_AGAIN, LogMessage, say_all
from shared.runtime.retry import retry_transient
from shared.storage import stored_positions
from shared.storage.database import Connection, Engine, transaction

_PART_STATEMENT_SECONDS: Final = 1
"""Limit of a statement while a batch that was too slow is halved, so that the culprit is found soon. Alone it has the
usual limit again.
"""
_DEAD_LETTER_STATEMENT_SECONDS: Final = 1
"""A database that takes longer to store one dead letter is slow as a whole: then the record is not the culprit."""

Effect: TypeAlias = Callable[[Connection], Awaitable[Sequence[LogMessage]]]
"""What happens in the transaction that moves the positions; gives what the log says once it is committed."""


class BatchProcessor(Protocol):
    """What a service does with records. `apply` and `dead_letter` run in the transaction that moves the positions."""

    def decode(self, record: Record) -> Any:
        """What `apply` needs of the record, worked out ahead. Pure.

        Raises `Unreadable`, which `apply` is then given as the record's content.
        """

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        """Apply all these records, or raise; gives what the log is to say of it once that is committed."""

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> Sequence[LogMessage]:
        """Store this record as a dead letter: applying it alone raised `error`. Gives the same as `apply`."""


class _Part(NamedTuple):
    """Records that are applied in one transaction. `reached`: how far the consumer is with the last of them.

    `seconds`: the limit of each statement, None for the usual one. `was_slow`: whether they were over it before.
    """

    decoded: Sequence[DecodedRecord]
    reached: Offsets
    seconds: float | None = None
    was_slow: bool = False

    def halves(self, seconds: float | None) -> "tuple[_Part, _Part]":
        """The first and the second half; a record alone has the usual limit."""
        middle = len(self.decoded) // 2
        first, second = self.decoded[:middle], self.decoded[middle:]
        return (
            _Part(first, {}, seconds if len(first) > 1 else None, self.was_slow),
            _Part(second, self.reached, seconds if len(second) > 1 else None, self.was_slow),
        )


class BatchApplier:
    """Applies what `reader` returns, batch by batch."""

    def __init__(
        self,
        reader: Reader,
        *,
        engine: Engine,
        batch_processor: BatchProcessor,
        health: Health,
        latency: DecisionLatency,
    ) -> None:
        self._reader = reader
        self._positions = reader.positions
        self._engine = engine
        self._batch_processor = batch_processor
        self._health = health
        self._latency = latency
        self._culprits = Culprits()
        self._under_way: asyncio.Task[None] | None = None
        self.committed_at = time.monotonic()
        """When the last batch was committed; monotonic seconds."""

    async def run(self) -> None:
        """Apply without end. When cancelled, the batch under way goes on: wait for it with `drain`. Raises `Alarm`."""
        while True:
            self._under_way = asyncio.ensure_future(self._apply(await self._reader.next_batch()))
            await asyncio.shield(self._under_way)

    async def drain(self, seconds: float) -> None:
        """Wait for the batch under way, at most `seconds`; then cancel it, so that it is rolled back."""
        if self._under_way and not self._under_way.done():
            _, late = await asyncio.wait([self._under_way], timeout=seconds)
            if late:
                self._under_way.cancel()
                BATCH_UNFINISHED.say(seconds=seconds)

    @property
    def is_busy(self) -> bool:
        """Whether a batch is being applied."""
        return self._under_way is not None and not self._under_way.done()

    async def _apply(self, batch: Batch) -> None:
        """However long it takes; ends when the batch is committed, or no longer this copy's. Raises `Alarm`."""
        try:
            await retry_transient(lambda: self._apply_rest(batch), health=self._health, component="consuming")
        except PositionConflict as conflict:
            READS_AGAIN.say(reason=str(conflict))
            await self._reader.assignment.seek_again()

    async def _apply_rest(self, batch: Batch) -> None:
        """What is not applied yet: a try that failed may have committed the first part of the batch."""
        if batch.assignment_epoch == self._positions.assignment_epoch:
            rest = [each for each in batch.decoded if not self._positions.is_applied(each.record)]
            *first, last = list(in_parts(rest)) or [()]
            for decoded in first:
                await self._apply_part(_Part(decoded, {}), batch.read_at)
            await self._apply_part(_Part(last, batch.reached), batch.read_at)

    async def _apply_part(self, part: _Part, read_at: float) -> None:
        await self._apply_or_bisect(part)
        self._latency.observe(time.monotonic() - read_at, len(part.decoded))

    async def _apply_or_bisect(self, part: _Part) -> None:
        """Apply in one transaction; where that fails, halve until the culprit is alone.

        Raises `Transient` where nothing smaller would help, `PositionConflict` and `Alarm`.
        """
        try:
            await self._commit(part, partial(self._apply_all, part.decoded))
        except SlowStatement as slow:
            await self._after_slow(part, slow)
        except (Transient, PositionConflict, Alarm):
            raise
        except Exception as error:  # noqa: BLE001  any bug in a decision ends here
            await self._bisect(part, error, part.seconds)
        else:
            if part.decoded:
                self._culprits.forget()

    async def _after_slow(self, part: _Part, slow: SlowStatement) -> None:
        """A record that came alone is tried once more: an operator may have cancelled the statement, or the whole
        database stood still for as long.
        """
        again = part._replace(was_slow=True)
        if len(part.decoded) == 1 and not part.was_slow:
            await self._apply_or_bisect(again)
        else:
            await self._bisect(again, slow, _PART_STATEMENT_SECONDS)

    async def _bisect(self, part: _Part, error: Exception, seconds: float | None) -> None:
        """Apply each half with this limit for a statement, or make the one record a dead letter."""
        if not part.decoded:
            raise error
        if len(part.decoded) == 1:
            await self._dead_letter(part, error)
            return
        for half in part.halves(seconds):
            await self._apply_or_bisect(half)

    async def _apply_all(self, decoded: Sequence[DecodedRecord], connection: Connection) -> Sequence[LogMessage]:
        for each in decoded:
            if isinstance(each.content, Exception) and not isinstance(each.content, Unreadable):
                raise each.content
        return await self._batch_processor.apply(connection, decoded)

    async def _dead_letter(self, part: _Part, error: Exception) -> None:
        record = part.decoded[0].record
        self._culprits.check(_culprit(record), f"{record.topic}-{record.partition} offset {record.offset}", error)
        effect = partial(self._batch_processor.dead_letter, record=record, error=error)
        await self._commit(part._replace(seconds=_DEAD_LETTER_STATEMENT_SECONDS), effect)
        self._culprits.add(_culprit(record))

    async def _commit(self, part: _Part, effect: Effect) -> None:
        """One transaction: the positions move past these records, to what the consumer reached; `effect` happens."""
        log_messages: Sequence[LogMessage] = ()
        records = [each.record for each in part.decoded]
        self._positions.check_gaps(records)
        moves = self._positions.moves(records, part.reached)
        if moves:
            async with transaction(self._engine, statement_seconds=part.seconds) as connection:
                await stored_positions.advance(
                    connection, {self._positions.partition_of(tp): moves[tp] for tp in moves}
                )
                if records:
                    log_messages = await effect(connection)
            self._positions.mark_moved(moves)
            self.committed_at = time.monotonic()
        say_all(log_messages)


def _culprit(record: Record) -> Hashable:
    """Whose fault it would be that a record fails: its account's, by the key; of one without a key its own."""
    return (record.topic, record.partition, record.offset) if record.key is None else record.key
