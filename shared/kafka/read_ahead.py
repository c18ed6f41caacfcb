"""What was read and is not applied yet: one batch, to which is added what comes meanwhile. Pure.

So a record waits for one transaction at most, the one under way when it comes, and under load each transaction takes
more of them. Whoever reads waits while there is no room, which holds the next fetch back.
"""

import asyncio

from shared.kafka.record import Batch


class ReadAhead:
    """Between the reader, which adds, and the batch applier, which takes. `max_records`: in one batch."""

    def __init__(self, *, max_records: int) -> None:
        self._max_records = max_records
        self._batch: Batch | None = None
        self._changed = asyncio.Condition()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be applied."""
        return self._batch is None

    async def add(self, batch: Batch) -> None:
        """Add to the batch that waits; first wait until it has room, or is gone where it is of another epoch."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._batch is None or self._has_room(self._batch, batch))
            self._batch = batch if self._batch is None else _joined(self._batch, batch)
            self._changed.notify_all()

    async def take(self) -> Batch:
        """The batch that waits, which may be of an earlier epoch; waits for one."""
        async with self._changed:
            while (batch := self._batch) is None:
                await self._changed.wait()
            self._batch = None
            self._changed.notify_all()
            return batch

    def _has_room(self, waiting: Batch, batch: Batch) -> bool:
        records = len(waiting.decoded) + len(batch.decoded)
        return waiting.assignment_epoch == batch.assignment_epoch and records <= self._max_records


def _joined(first: Batch, second: Batch) -> Batch:
    """Both, in order, as read when the first one was."""
    return first._replace(decoded=[*first.decoded, *second.decoded], reached={**first.reached, **second.reached})
