"""What was read and is not applied yet: one batch, to which is added what comes meanwhile. No IO.

So a record waits for one transaction at most, the one under way when it comes, and under load each transaction takes
more of them. Whoever reads waits while there is no room, which holds the next fetch back.
"""

import asyncio

from shared.kafka.record import Batch
from shared.kafka.sizes import size_of


class ReadAhead:
    """Between the reader, which adds, and the batch applier, which takes.

    `max_records`, `max_bytes`: of a batch that others are added to; what is added first may have any size.
    """

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._batch: Batch | None = None
        self._bytes = 0
        self._changed = asyncio.Condition()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be applied."""
        return self._batch is None

    async def add(self, batch: Batch) -> None:
        """Add to the batch that waits; first wait until it has room, or is gone where it is of another epoch."""
        size = sum(size_of(each.record) for each in batch.decoded)
        async with self._changed:
            await self._changed.wait_for(lambda: self._batch is None or self._has_room(self._batch, batch, size))
            self._batch = batch if self._batch is None else _joined(self._batch, batch)
            self._bytes += size
            self._changed.notify_all()

    async def take(self) -> Batch:
        """The batch that waits, which may be of an earlier epoch; waits for one."""
        async with self._changed:
            while (batch := self._batch) is None:
                await self._changed.wait()
            self._batch, self._bytes = None, 0
            self._changed.notify_all()
            return batch

    def _has_room(self, waiting: Batch, batch: Batch, size: int) -> bool:
        records = len(waiting.decoded) + len(batch.decoded)
        has_room = records <= self._max_records and self._bytes + size <= self._max_bytes
        return has_room and waiting.assignment_epoch == batch.assignment_epoch


def _joined(first: Batch, second: Batch) -> Batch:
    """Both, in order, as read when the first one was."""
    return first._replace(decoded=[*first.decoded, *second.decoded], reached={**first.reached, **second.reached})
