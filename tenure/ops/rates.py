"""How many records came per topic and partition in the last hour, in steps of 10 s. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

STEP_MS: Final = 10_000
STEPS: Final = 360
_RECENT_STEPS: Final = 6


class Rates(msgspec.Struct):
    """Topic -> partition -> step since 1970 -> records, by the records' own timestamps."""

    counts: dict[str, dict[int, dict[int, int]]] = msgspec.field(default_factory=dict)

    def add(self, topic: str, partition: int, at_ms: int, now_ms: int) -> None:
        """Count one record, unless it is older than what is shown."""
        if at_ms < now_ms - STEPS * STEP_MS:
            return
        steps = self.counts.setdefault(topic, {}).setdefault(partition, {})
        step = at_ms // STEP_MS
        steps[step] = steps.get(step, 0) + 1

    def recent(self, topic: str, partition: int, now_ms: int) -> float:
        """Records per second over the last whole minute."""
        steps, last = self.counts.get(topic, {}).get(partition, {}), now_ms // STEP_MS
        return sum(steps.get(step, 0) for step in range(last - _RECENT_STEPS, last)) * 1000 / (_RECENT_STEPS * STEP_MS)

    def series(self, topic: str, now_ms: int) -> Sequence[float]:
        """Records per second in each whole step of the last hour, the oldest first."""
        summed: Counter[int] = Counter()
        for steps in self.counts.get(topic, {}).values():
            summed.update(steps)
        last = now_ms // STEP_MS
        return [summed[step] * 1000 / STEP_MS for step in range(last - STEPS, last)]

    def forget(self, now_ms: int) -> None:
        """Let go what is older than an hour, or lies ahead by a wrong clock."""
        last = now_ms // STEP_MS
        for partitions in self.counts.values():
            for steps in partitions.values():
                for step in [step for step in steps if not last - STEPS <= step <= last + _RECENT_STEPS]:
                    del steps[step]


def times(now_ms: int) -> Sequence[int]:
    """The instants of `Rates.series`, in seconds since 1970."""
    last = now_ms // STEP_MS
    return [step * STEP_MS // 1000 for step in range(last - STEPS, last)]
