"""How long decisions take, counted in buckets as Prometheus wants them. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

BUCKETS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class DecisionLatency:
    """Seconds from the reading of an event to the commit of its effects, of this process.

    A batch is observed at once, since its events are committed together.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_SECONDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float, events: int) -> None:
        """So many events took so long."""
        self._counts[bisect_left(BUCKETS_SECONDS, seconds)] += events
        self.seconds += seconds * events

    @property
    def buckets(self) -> Sequence[tuple[str, float]]:
        """Upper end as text, and the number of events at or below it."""
        ends = (*map(str, BUCKETS_SECONDS), "+Inf")
        return list(zip(ends, accumulate(self._counts), strict=True))
