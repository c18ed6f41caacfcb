"""Figures for Prometheus. What must be exact is read from the database at the scrape, the rest is counted here.

Figures from the database are those of the whole service: every copy shows the same, so they are not to be summed.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client import ProcessCollector as PrometheusProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import text

from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.storage import event_counts
from shared.storage.database import Connection, Engine, transaction

DatabaseCollector = Callable[[Connection], Awaitable[Iterable[Metric]]]
"""Figures from the database, at the scrape."""
ProcessCollector = Callable[[], Iterable[Metric]]
"""Figures of this process, at the scrape."""

_UNPUBLISHED: Final = text(
    "SELECT topic, sum(next_sequence - 1 - published) FROM output_partition JOIN relay_position"
    " USING (topic, partition) GROUP BY topic"
)


class Metrics:
    """All figures of one process; `registry` takes what is counted as it happens."""

    def __init__(
        self,
        engine: Engine,
        *,
        database_collectors: Sequence[DatabaseCollector] = (),
        process_collectors: Sequence[ProcessCollector] = (),
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        PrometheusProcessCollector(registry=self.registry)
        self._engine = engine
        self._database_collectors = (events, unpublished, *database_collectors)
        self._process_collectors = process_collectors

    async def exposition(self) -> bytes:
        """The text that Prometheus reads; without what only the database knows while that is away."""
        families = [family for collect in self._process_collectors for family in collect()]
        families += await self._read()
        return generate_latest(self.registry) + generate_latest(_Snapshot(families))

    async def _read(self) -> list[Metric]:
        reached = GaugeMetricFamily("tenure_database_up", "1 when the database answered this scrape.", value=1)
        try:
            async with transaction(self._engine) as connection:
                return [
                    reached,
                    *[family for reading in self._database_collectors for family in await reading(connection)],
                ]
        except Transient:
            return [GaugeMetricFamily(reached.name, reached.documentation, value=0)]


async def events(connection: Connection) -> list[Metric]:
    """Where every event in has ended (G4)."""
    family = CounterMetricFamily(
        "tenure_events_total", "Events in by topic and outcome, of the whole service.", labels=("topic", "outcome")
    )
    for (topic, outcome), count in sorted((await event_counts.read(connection)).items()):
        family.add_metric((topic, outcome), count)
    return [family]


async def unpublished(connection: Connection) -> list[Metric]:
    """How far the relay is behind the log."""
    family = GaugeMetricFamily(
        "tenure_relay_lag_events", "Entries of the log that are not known to be published.", labels=("topic",)
    )
    for topic, count in await connection.execute(_UNPUBLISHED):
        family.add_metric((topic,), int(count))
    return [family]


def intake_lag(health: Health) -> ProcessCollector:
    """How far this copy is behind the ends of the partitions that it reads, as far as it knows them."""

    def collect() -> list[Metric]:
        family = GaugeMetricFamily(
            "tenure_intake_lag_records",
            "Records that wait in the partitions of this copy.",
            labels=("topic", "partition"),
        )
        for (topic, partition), lag in health.lag.items():
            family.add_metric((topic, str(partition)), lag)
        return [family]

    return collect


def process_status(health: Health, *, test_clock: bool) -> ProcessCollector:
    """Whether this copy is ready, and whether its time is real."""

    def collect() -> list[Metric]:
        return [
            GaugeMetricFamily("tenure_ready", "1 when this copy has all that it needs.", value=int(health.ready)),
            GaugeMetricFamily("tenure_test_clock", "1 when the test clock is on.", value=int(test_clock)),
        ]

    return collect


class _Snapshot:
    """Families that were just made, in the form that the exposition asks for."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
