"""The intake of a service: FastStream's broker, and the three parts that take records from it.

The reader reads and decodes, the batch applier applies, the lag monitor measures. Built by the runtime, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from shared.kafka.batch_applier import BatchApplier, BatchProcessor
from shared.kafka.client import make_broker
from shared.kafka.errors import classified, close_quietly, report_when_slow
from shared.kafka.lag import LagMonitor
from shared.kafka.positions import Positions
from shared.kafka.reader import Reader
from shared.kafka.topics import name_of
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient
from shared.runtime.tasks import run_until_one_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """`start`, then `run` until it is cancelled, then `stop`."""

    broker: KafkaBroker
    reader: Reader
    applier: BatchApplier
    lag_monitor: LagMonitor
    health: Health

    async def start(self) -> None:
        """Join the consumer group; waits while Kafka is away. Raises `Alarm`."""
        await retry_transient(self._start_broker, health=self.health, component="consuming")

    async def run(self) -> None:
        """Read and apply without end. Raises `Alarm`."""
        await run_until_one_ends(
            self.reader.assignment.raise_alarm, self.reader.follow, self.applier.run, self.lag_monitor.run
        )

    async def stop(self, seconds: float) -> None:
        """Let the batch under way end, for at most `seconds`, and leave the group."""
        self.reader.assignment.stop()
        await self.applier.drain(seconds)
        await close_quietly(self.broker.stop)

    async def _start_broker(self) -> None:
        try:
            with classified(), report_when_slow(self.health, "consuming", "its consumer group"):
                await self.broker.start()
        except Exception:
            await close_quietly(self.broker.stop)
            raise


def build_intake(
    context: ServiceContext, batch_processor: BatchProcessor, *, group: str, topics: Sequence[str]
) -> Intake:
    """`group`: the consumer group, without the prefix; `topics`: logical names."""
    settings, health = context.settings, context.health
    positions = Positions({name_of(topic, settings): topic for topic in topics}, context.engine)
    reader = Reader(positions, decode=batch_processor.decode, health=health)
    applier = BatchApplier(
        reader,
        engine=context.engine,
        batch_processor=batch_processor,
        health=health,
        latency=context.decision_latency,
    )
    lag_monitor = LagMonitor(reader, applier, health)
    kafka_broker = make_broker(settings)
    reader.subscribe(kafka_broker, group=group, settings=settings)
    return Intake(broker=kafka_broker, reader=reader, applier=applier, lag_monitor=lag_monitor, health=health)
