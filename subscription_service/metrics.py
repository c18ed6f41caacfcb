"""The subscription service's own metrics, beside those that every service has (`shared.runtime.metrics`)."""

from prometheus_client.core import GaugeMetricFamily, Metric

from shared.storage.database import Connection
from subscription_service.storage import waiting


async def waiting_events(connection: Connection) -> list[Metric]:
    """How many events wait (G4)."""
    number = await waiting.count(connection)
    return [GaugeMetricFamily("tenure_parked", "Events that wait, for a purchase or for timers.", value=number)]
