"""The subscription service's own metrics, beside those that every service has (`shared.runtime.metrics`)."""

from functools import partial
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from shared.contracts.state import SubscriptionState
from shared.runtime.metrics import DatabaseCollector
from shared.storage.database import Connection
from subscription_service.storage import due_accounts, subscription_counts, waiting

_STATES: Final = (SubscriptionState.ACTIVE, SubscriptionState.GRACE, SubscriptionState.RELEASED)


def database_collectors(*, test_clock: bool) -> tuple[DatabaseCollector, ...]:
    """All that are read at a scrape."""
    return waiting_events, subscriptions, partial(overdue_timers, test_clock=test_clock)


async def waiting_events(connection: Connection) -> list[Metric]:
    """How many events wait (G4)."""
    number = await waiting.count(connection)
    return [GaugeMetricFamily("tenure_parked", "Events that wait, for a purchase or for timers.", value=number)]


async def subscriptions(connection: Connection) -> list[Metric]:
    """How many subscriptions are in each state."""
    family = GaugeMetricFamily("tenure_subscriptions", "Subscriptions, of the whole service.", labels=("state",))
    counts = await subscription_counts.read(connection)
    for state in _STATES:
        family.add_metric((state,), counts.get(state, 0))
    return [family]


async def overdue_timers(connection: Connection, *, test_clock: bool) -> list[Metric]:
    """Accounts on which something is due by the service clock and has not run yet."""
    number, seconds = await due_accounts.overdue(connection, test_clock=test_clock)
    return [
        GaugeMetricFamily(
            "tenure_timers_overdue", "Accounts on which something is due, 100,000 at most.", value=number
        ),
        GaugeMetricFamily("tenure_timers_overdue_seconds", "Since when the first of them is due.", value=seconds),
    ]
