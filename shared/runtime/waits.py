"""Waits as the log tells them: once at the beginning, then seldom, and at the end with their length.

Whoever waits tries again many times a second; an occurrence is one wait, not one try.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.runtime.log_lines import GOES_ON, WAITING, WAITING_AT_START

AGAIN_SECONDS: Final = 60.0
"""How often a wait that goes on is said again."""
START_SECONDS: Final = 5.0
"""At a start some waiting is normal: until then it is no warning."""
APART_SECONDS: Final = 10.0
"""A wait that begins sooner after the last line of its component is only counted, unless it lasts."""


@dataclass(slots=True)
class _Component:
    """Instants are seconds of the monotonic clock; `since`: of the wait under way, None where there is none."""

    since: float | None = None
    is_told: bool = False
    next_line_at: float = float("-inf")
    shorter_waits: int = 0
    has_worked: bool = False


class WaitLog:
    """All waits of a process, by the name of the component; each component in one thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._components: dict[str, _Component] = {}

    def waits(self, component: str, reason: str) -> None:
        """`component` tried once more and has to wait. `reason`: a sentence of ours."""
        now, known = self._clock(), self._of(component)
        if known.since is None:
            known.since, known.is_told = now, False
        if now >= known.next_line_at:
            self._say(component, known, reason, now - known.since)

    def goes_on(self, component: str) -> None:
        """`component` works."""
        known = self._of(component)
        known.has_worked = True
        if known.since is None:
            return
        seconds, known.since = self._clock() - known.since, None
        if known.is_told:
            known.next_line_at = min(known.next_line_at, self._clock() + APART_SECONDS)
            GOES_ON.say(component=component, seconds=seconds)
        else:
            known.shorter_waits += 1

    def _of(self, component: str) -> _Component:
        return self._components.setdefault(component, _Component())

    def _say(self, component: str, known: _Component, reason: str, seconds: float) -> None:
        starting = not known.has_worked and seconds < START_SECONDS
        line = WAITING_AT_START if starting else WAITING
        shorter, known.shorter_waits = known.shorter_waits or None, 0
        known.is_told = True
        known.next_line_at = self._clock() + (START_SECONDS if starting else AGAIN_SECONDS)
        line.say(component=component, reason=reason, seconds=seconds, shorter_waits=shorter)
