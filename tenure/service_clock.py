"""What time the subscription service has, for events that commands make."""

from datetime import UTC, datetime

from shared.contracts.scalars import read_instant
from tenure.http_answers import get


def real() -> datetime:
    """Real time (UTC), to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def now(service: str) -> datetime:
    """Its test clock's time where that is on, otherwise real time. Raises `NoAnswer`."""
    clock = get(f"{service.rstrip('/')}/health", {}, service="the subscription service")["test_clock"]
    return read_instant(clock["now"]) if clock and clock["now"] else real()
