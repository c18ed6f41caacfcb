"""The test clock's two events: the advance that moves time, and the word that all is settled."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.types import Instant

CLOCK_ADVANCED = "tenure.clock.advanced.v1"
CLOCK_SETTLED = "tenure.clock.settled.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAdvanced:
    now: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSettled:
    """`advance_id` is the `id` of the advance that this answers."""

    service: str
    now: Instant
    advance_id: str


CLOCK_EVENTS: Mapping[str, type[ClockAdvanced] | type[ClockSettled]] = {
    CLOCK_ADVANCED: ClockAdvanced,
    CLOCK_SETTLED: ClockSettled,
}
