"""The two events of the test clock: the advance that moves the time, and a service's answer that it has settled."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.fields import AdvanceId, ClockNow, ServiceName

CLOCK_ADVANCED = "tenure.clock.advanced.v1"
CLOCK_SETTLED = "tenure.clock.settled.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAdvanced:
    """Asks for an advance of the test clock to `now`, with everything done that is due by then.

    The subscription service reads it; the notifier follows what the subscription service has settled.
    """

    now: ClockNow


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSettled:
    """A service has done everything that was due after an advance, and published it."""

    service: ServiceName
    now: ClockNow
    advance_id: AdvanceId


CLOCK_EVENTS: Mapping[str, type[ClockAdvanced] | type[ClockSettled]] = {
    CLOCK_ADVANCED: ClockAdvanced,
    CLOCK_SETTLED: ClockSettled,
}
"""Type -> contract."""
