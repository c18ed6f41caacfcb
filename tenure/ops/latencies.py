"""How long things took, from the timestamps of two records that belong together. Pure.

Kafka's timestamps are real time, also with the test clock on. Which of the two records is read first does not matter.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

KEPT_PAIRS: Final = 20_000
"""So many records wait for the one that belongs to them; the oldest is let go."""
KEPT_SAMPLES: Final = 5_000
WINDOW_MS: Final = 15 * 60 * 1000
"""Only what ended within this time counts."""


class Quantiles(NamedTuple):
    """In seconds, over `samples` latest ones."""

    p50: float
    p99: float
    samples: int


class Latencies:
    """Pairs beginnings and endings by an id, and keeps how long each took."""

    def __init__(self) -> None:
        self._begun: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._samples: deque[tuple[int, int]] = deque(maxlen=KEPT_SAMPLES)

    def begin(self, identity: str, at_ms: int) -> None:
        """What is under way since an instant."""
        ended = self._ended.pop(identity, None)
        if ended is not None:
            self._samples.append((ended, ended - at_ms))
        _remember(self._begun, identity, at_ms)

    def begun(self, identity: str) -> int | None:
        """Since when it is under way; None where that is not known."""
        return self._begun.get(identity)

    def end(self, identity: str, at_ms: int) -> None:
        """It has ended at an instant; one beginning may have several ends."""
        begun = self._begun.get(identity)
        if begun is None:
            _remember(self._ended, identity, at_ms)
        else:
            self._samples.append((at_ms, at_ms - begun))

    def quantiles(self, now_ms: int) -> Quantiles | None:
        """Of what ended in the last 15 minutes; None where nothing did."""
        took = sorted(max(0, each) for at, each in self._samples if at > now_ms - WINDOW_MS)
        if not took:
            return None
        return Quantiles(_at(took, 0.5) / 1000, _at(took, 0.99) / 1000, len(took))


def _at(took: Sequence[int], share: float) -> int:
    return took[min(len(took) - 1, int(len(took) * share))]


def _remember(known: dict[str, int], identity: str, at_ms: int) -> None:
    known[identity] = at_ms
    if len(known) > KEPT_PAIRS:
        del known[next(iter(known))]
