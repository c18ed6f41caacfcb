"""The notifier's own metrics: how notifications ended, how many emails wait, how long delivery takes, open streams."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from notifier_service.decisions.notification import NotificationStatus
from notifier_service.storage import notification_counts
from notifier_service.storage import notifications as stored
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection

_OPEN: Final = (NotificationStatus.QUEUED, NotificationStatus.SENDING)
_ENDS: Final = tuple(status for status in NotificationStatus if status not in _OPEN)
"""`bounced` and `complained` count beside the end (`delivered`, `failed`) that the email had before."""
_BUCKETS_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600)


async def notifications(connection: Connection) -> list[Metric]:
    """A database collector: exact numbers of the whole service, the same in every copy."""
    ended = CounterMetricFamily(
        "tenure_notifications_total",
        "Notifications that have ended, of the whole service.",
        labels=("channel", "status"),
    )
    none = {(channel.value, status.value): 0 for channel in Channel for status in _ENDS}
    for key, count in sorted((none | await notification_counts.load(connection)).items()):
        ended.add_metric(key, count)
    waiting = GaugeMetricFamily(
        "tenure_notifications_waiting", "Emails that wait or are leased, of the whole service.", labels=("status",)
    )
    open_counts = await stored.open_counts(connection)
    for status in _OPEN:
        waiting.add_metric((status,), open_counts.get(status, 0))
    return [ended, waiting]


def show_streams(registry: CollectorRegistry, count: Callable[[], int]) -> None:
    """`count` is called at each scrape."""
    Gauge("tenure_http_streams", "Open streams of inboxes.", registry=registry).set_function(count)


def delivery_seconds(registry: CollectorRegistry) -> Callable[[float], None]:
    """A histogram of this process; call it with the seconds on the service clock from `recordedat` to delivery."""
    histogram = Histogram(
        "tenure_delivery_seconds",
        "From the recording of a lifecycle event to the delivery of its email.",
        buckets=_BUCKETS_SECONDS,
        registry=registry,
    )
    return histogram.observe
