"""Metrics for Prometheus: what must be exact is read from the database at each scrape, the rest is counted here.

A database collector's values are those of the whole service: every copy shows the same, so they must not be summed.
A process collector's values are those of one copy.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeAlias

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client import ProcessCollector as PrometheusProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from shared.contracts.topics import read_by, written_by
from shared.contracts.unreadable import Reason
from shared.kafka.topics import wanted
from shared.outbox import progress
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.latency import DecisionLatency
from shared.runtime.single_flight import SingleFlight
from shared.runtime.version import VERSION
from shared.storage import event_counts
from shared.storage.database import Connection, transaction
from shared.storage.event_counts import EventOutcome
from shared.web import limits

DatabaseCollector: TypeAlias = Callable[[Connection], Awaitable[Iterable[Metric]]]
"""Reads metrics from the database, in the transaction of one scrape."""


class Metrics:
    """All metrics of one process; `registry` takes what is counted as it happens."""

    def __init__(self, context: ServiceContext, *database_collectors: DatabaseCollector) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        PrometheusProcessCollector(registry=self.registry)
        self._context = context
        read, written = _topics(context, read_by(context.name)), _topics(context, written_by(context.name))
        self._database_collectors: tuple[DatabaseCollector, ...] = (
            partial(event_totals, topics=read),
            partial(relay_lag, topics=written),
            dead_letters,
            *database_collectors,
        )
        self._reading = SingleFlight(self._read_database)

    async def exposition(self) -> bytes:
        """Prometheus's text format; while the database is away, without what only the database knows."""
        context = self._context
        families = [
            intake_lag(context.health),
            decision_latency(context.decision_latency),
            *process_status(context.health, test_clock=context.settings.test_clock is not None),
            *await self._collect_from_database(),
        ]
        return generate_latest(self.registry) + generate_latest(_Collected(families))

    async def _collect_from_database(self) -> list[Metric]:
        """One scrape at a time reads; a database that hangs holds up neither this scrape nor the next."""
        up = GaugeMetricFamily("tenure_database_up", "1 when the database answered this scrape.", value=1)
        try:
            return [up, *await self._reading.result(limits.PAGE_SECONDS)]
        except (Transient, TimeoutError):
            return [GaugeMetricFamily(up.name, up.documentation, value=0)]

    async def _read_database(self) -> list[Metric]:
        self._context.partitions.require()  # before that there may be no tables
        async with transaction(self._context.http_engine) as connection:
            return [family for collect in self._database_collectors for family in await collect(connection)]


def _topics(context: ServiceContext, names: Iterable[str]) -> list[str]:
    return [topic.name for topic in wanted(list(names), context.settings)]


async def event_totals(connection: Connection, *, topics: Iterable[str]) -> list[Metric]:
    """How many events came in, by topic and outcome (G4); 0 before the first of each."""
    family = CounterMetricFamily(
        "tenure_events_total", "Events in by topic and outcome, of the whole service.", labels=("topic", "outcome")
    )
    none = {(topic, outcome.value): 0 for topic in topics for outcome in EventOutcome}
    for (topic, outcome), count in sorted((none | await event_counts.read(connection)).items()):
        family.add_metric((topic, outcome), count)
    return [family]


async def dead_letters(connection: Connection) -> list[Metric]:
    """How many dead letters there were, by reason; 0 before the first of each."""
    family = CounterMetricFamily(
        "tenure_dead_letters_total", "Dead letters by reason, of the whole service.", labels=("reason",)
    )
    counts = await event_counts.read_dead_letters(connection)
    for reason in Reason:
        family.add_metric((reason.value,), counts.get(reason, 0))
    return [family]


async def relay_lag(connection: Connection, *, topics: Iterable[str]) -> list[Metric]:
    """How many entries of the log are not yet published, per topic."""
    family = GaugeMetricFamily(
        "tenure_relay_lag_events", "Entries of the log that are not known to be published.", labels=("topic",)
    )
    for topic, count in (dict.fromkeys(topics, 0) | await progress.lag(connection)).items():
        family.add_metric((topic,), count)
    return [family]


def decision_latency(latency: DecisionLatency) -> Metric:
    """From the reading of an event to the commit of its effects, of this copy."""
    return HistogramMetricFamily(
        "tenure_decision_seconds",
        "From the reading of an event to the commit of its effects, of this copy.",
        buckets=latency.buckets,
        sum_value=latency.seconds,
    )


def intake_lag(health: Health) -> Metric:
    """How many records this copy has not yet applied, per partition that it reads, as last measured."""
    family = GaugeMetricFamily(
        "tenure_intake_lag_records",
        "Records that wait in the partitions of this copy.",
        labels=("topic", "partition"),
    )
    for (topic, partition), lag in health.lag.items():
        family.add_metric((topic, str(partition)), lag)
    return family


def process_status(health: Health, *, test_clock: bool) -> list[Metric]:
    """Whether this copy is ready, and whether it runs on the test clock."""
    return [
        GaugeMetricFamily("tenure_ready", "1 when this copy has all that it needs.", value=int(health.ready)),
        GaugeMetricFamily("tenure_test_clock", "1 when the test clock is on.", value=int(test_clock)),
        _build_info(),
    ]


def _build_info() -> Metric:
    family = GaugeMetricFamily("tenure_build_info", "Always 1; the version is a label.", labels=("version",))
    family.add_metric((VERSION,), 1)
    return family


class _Collected:
    """Metric families in the form that `generate_latest` takes."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
