"""The registry: what the notifier reads, by topic, with the contract of each type. The rest is a dead letter."""

from collections.abc import Mapping
from typing import Any, Final

from shared.contracts.clock import CLOCK_EVENTS, CLOCK_SETTLED
from shared.contracts.lifecycle import LIFECYCLE
from shared.contracts.outcomes import OUTCOMES
from shared.kafka.topics import LIFECYCLE as LIFECYCLE_TOPIC
from shared.kafka.topics import NOTIFICATION_DEAD_LETTERS, TEST_CLOCK_SETTLED
from shared.kafka.topics import OUTCOMES as OUTCOMES_TOPIC

SERVICE: Final = "notifier"

READS: Final[Mapping[str, Mapping[str, Any]]] = {
    LIFECYCLE_TOPIC: LIFECYCLE,
    TEST_CLOCK_SETTLED: {CLOCK_SETTLED: CLOCK_EVENTS[CLOCK_SETTLED]},
}
"""Topic -> type -> contract; the second topic exists with the test clock only."""

WRITES: Final[Mapping[str, Mapping[str, Any]]] = {
    OUTCOMES_TOPIC: OUTCOMES,
    NOTIFICATION_DEAD_LETTERS: {},
    TEST_CLOCK_SETTLED: READS[TEST_CLOCK_SETTLED],
}
"""Topic -> type -> contract; dead letters are whatever could not be read."""
