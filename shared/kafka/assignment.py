"""Which partitions are assigned to this copy: Kafka's rebalances, each followed by a seek to the stored positions.

aiokafka and FastStream swallow what their listeners raise. So a seek that fails for a while is retried here, and an
`Alarm` is kept for `raise_alarm`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.kafka.positions import Positions
from shared.runtime.errors import Alarm
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """`consumer` returns the running aiokafka consumer, or None."""

    def __init__(self, positions: Positions, health: Health, consumer: Callable[[], Any]) -> None:
        self._positions = positions
        self._health = health
        self._consumer = consumer
        self._stopping = False
        self._alarms: asyncio.Queue[Alarm] = asyncio.Queue()
        self.joined = False
        """Whether this copy has joined its consumer group; it may have been assigned no partition."""

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Called by aiokafka at each rebalance, before it returns records of these partitions."""
        if consumer := self._consumer():
            consumer.stay_member()
        try:
            await self._seek(list(assigned))
        except Alarm as alarm:
            self.report(alarm)
        self.joined = True

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Called by aiokafka when a rebalance begins."""
        self._positions.revoke(revoked)

    async def seek_again(self) -> None:
        """Move all partitions of this copy to their stored positions, however long that takes. Raises `Alarm`."""
        consumer = self._consumer()
        await self._seek(sorted(consumer.assignment()) if consumer else [])

    def report(self, alarm: Alarm) -> None:
        """Let `raise_alarm` raise it."""
        self._alarms.put_nowait(alarm)

    async def raise_alarm(self) -> None:
        """Wait, without end, for an alarm that was reported. Raises `Alarm`."""
        raise await self._alarms.get()

    def stop(self) -> None:
        """Seek no more: the consumer cannot stop before its listener returns, and must not wait for the database."""
        self._stopping = True

    async def _seek(self, assigned: Sequence[TopicPartition]) -> None:
        await retry_transient(lambda: self._try_to_seek(assigned), health=self._health, component="consuming")

    async def _try_to_seek(self, assigned: Sequence[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is not None and assigned and not self._stopping:
            await self._positions.seek(consumer, assigned)
