"""The notifier's batch processor: one batch of records, one transaction, all or nothing.

Called by `shared.kafka` only, in the transaction that also moves the stored positions (G1). What is done with the
records of each topic is in the registry (`handlers`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from notifier_service.handlers import Registry
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.envelope import decode
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.log_lines import LogMessage
from shared.storage.database import Connection
from shared.testclock.clock import Clock


class NotifierBatchProcessor:
    """A `shared.kafka.batch_applier.BatchProcessor`; `partitions`: logical output topic -> its number of partitions."""

    def __init__(self, registry: Registry, *, topic_prefix: str, clock: Clock, partitions: Mapping[str, int]) -> None:
        self._registry = registry
        self._prefix = topic_prefix
        self._clock = clock
        self._partitions = partitions

    def decode(self, record: Record) -> Any:
        """The record by the contract of its topic, as its handler takes it. Pure. Raises `Unreadable`."""
        handler = self._registry[self._topic(record)]
        return handler.read(decode(record.value, record.headers, handler.contracts))

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        """Apply the records topic by topic; what could not be read becomes a dead letter, without its neighbours."""
        unit_of_work = UnitOfWork(await self._clock.now(connection), self._partitions)
        for topic, contents in self._by_topic(decoded, unit_of_work).items():
            if contents:
                await self._registry[topic].apply(connection, contents, unit_of_work)
        await unit_of_work.save(connection)
        return unit_of_work.log_messages

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> Sequence[LogMessage]:
        """Applying this record raised `error`: it becomes a dead letter with the reason `internal_error`."""
        unit_of_work = UnitOfWork(await self._clock.now(connection), self._partitions)
        unreadable = Unreadable(Reason.INTERNAL_ERROR, type(error).__name__)
        unit_of_work.add_dead_letter(record, self._topic(record), unreadable, error)
        await unit_of_work.save(connection)
        return unit_of_work.log_messages

    def _by_topic(self, decoded: Sequence[DecodedRecord], unit_of_work: UnitOfWork) -> dict[str, list[Any]]:
        """Logical topic -> what was read from it, in the order of the registry."""
        contents: dict[str, list[Any]] = {topic: [] for topic in self._registry}
        for record, content in decoded:
            topic = self._topic(record)
            if isinstance(content, Unreadable):
                unit_of_work.add_dead_letter(record, topic, content)
            else:
                contents[topic].append(content)
        return contents

    def _topic(self, record: Record) -> str:
        topic: str = record.topic
        return topic.removeprefix(self._prefix)
