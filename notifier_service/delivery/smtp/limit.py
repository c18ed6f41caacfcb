"""How many connections the relay takes: learned from refusals, and raised again little by little. Pure."""

from typing import Final

RAISE_SECONDS: Final = 60.0
"""After so long without a refusal one more connection is tried."""


class ConnectionLimit:
    """After a refusal the limit is what was open then; it rises by one per minute. Without a refusal there is none."""

    def __init__(self) -> None:
        self._learned = float("inf")
        self._learned_at = 0.0

    def value(self, now: float) -> float:
        """How many connections may be open; `now` in seconds of the monotonic clock."""
        return self._learned + (now - self._learned_at) // RAISE_SECONDS

    def refused(self, open_connections: int, now: float) -> None:
        """The relay refused one more than `open_connections`."""
        self._learned, self._learned_at = float(max(open_connections, 1)), now
