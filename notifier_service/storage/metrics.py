"""The notifier's own figures: how notifications ended, what waits, and how long emails took."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from notifier_service.decisions.notice import Status
from notifier_service.storage import store
from shared.storage.database import Connection

_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600)


async def notifications(connection: Connection) -> list[Metric]:
    """Exact, of the whole service."""
    ends, waiting = await store.counted(connection)
    ended = CounterMetricFamily(
        "tenure_notifications_total",
        "Notifications that have ended, of the whole service.",
        labels=("channel", "status"),
    )
    for key, count in sorted(ends.items()):
        ended.add_metric(key, count)
    pending = GaugeMetricFamily(
        "tenure_notifications_waiting", "Emails that wait or are under way, of the whole service.", labels=("status",)
    )
    for status in (Status.QUEUED, Status.SENDING):
        pending.add_metric((status,), waiting.get(status, 0))
    return [ended, pending]


def delivery_seconds(registry: CollectorRegistry) -> Callable[[float], None]:
    """Where to tell how long an email took, from its event to the relay's yes, on the service clock."""
    histogram = Histogram(
        "tenure_delivery_seconds",
        "From the recording of a lifecycle event to the delivery of its email.",
        buckets=_SECONDS,
        registry=registry,
    )
    return histogram.observe
