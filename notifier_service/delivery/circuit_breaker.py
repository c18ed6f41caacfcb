"""The circuit breaker for the mail relay: no email is sent while the relay cannot be reached (G5).

Invariant: after a failure (`OPEN`) no email is sent until the relay can be connected to again; then one email goes
first (`HALF_OPEN`), and only the relay's reply to one lets all others follow (`CLOSED`). So a relay that accepts
connections and then fails is not flooded. The trouble of single emails is not a failure of the relay, unless many break
off in a row. Health shows whether the relay can be reached, before any email needs it.
"""

import asyncio
import random
from enum import Enum, auto
from typing import Final

from notifier_service.delivery import backoff
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from notifier_service.log_lines import without_words
from shared.runtime.health import Health
from shared.runtime.retry import wait_for_event

COMPONENT: Final = "mail"
INTERRUPTIONS_UNTIL_OPEN: Final = 6
"""So many emails break off one after the other, with no reply to any, when it is the relay's trouble."""
_CHECK_SECONDS: Final = 1.0


class CircuitState(Enum):
    """`CLOSED`: emails flow. `OPEN`: none. `HALF_OPEN`: one at a time, to find out."""

    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()


class RelayCircuitBreaker:
    """`run` watches the connection; senders report by `record_failure`, `record_interruption` and `record_reply`."""

    def __init__(self, relay: MailRelay, health: Health, *, wake: asyncio.Event, in_use: bool = True) -> None:
        """`wake` is set whenever emails may be sent again. `in_use`: False where every email is held back, so that no
        relay is needed.
        """
        self._relay = relay
        self._health = health
        self._wake = wake
        self._in_use = in_use
        self._state = CircuitState.OPEN
        self._failures = 0
        self._interruptions = 0
        self._failed = asyncio.Event()

    async def run(self) -> None:
        """Keep a connection to the relay, for ever; while it is away, retry in real time with growing waits."""
        if not self._in_use:
            self._connected()
        while self._in_use:
            self._failed.clear()
            try:
                await self._relay.check()
            except RelayUnreachable as unreachable:
                self._trip(unreachable)
            else:
                self._connected()
                await wait_for_event(self._failed, _CHECK_SECONDS)
            if self._state is CircuitState.OPEN:
                await asyncio.sleep(backoff.reconnect_seconds(self._failures, random.uniform(-1, 1)))

    def record_failure(self, unreachable: RelayUnreachable) -> None:
        """An email did not reach the relay; many that are leased may fail at once, which counts as one failure."""
        if self._state is not CircuitState.OPEN:
            self._trip(unreachable)
            self._failed.set()

    def record_interruption(self, reason: str) -> None:
        """The relay broke off before it had an email."""
        self._interruptions += 1
        if self._interruptions >= INTERRUPTIONS_UNTIL_OPEN:
            self.record_failure(RelayUnreachable(reason, without_words(reason)))

    def record_reply(self) -> None:
        """The relay has accepted a recipient, or replied to an email, whatever it said."""
        self._failures = self._interruptions = 0
        if self._state is CircuitState.HALF_OPEN:
            self._state = CircuitState.CLOSED
            self._wake.set()

    def capacity(self, unanswered: int, limit: int) -> int:
        """How many more emails may be sent now: at most `limit`, and at first a single one.

        `unanswered`: leased emails to which the relay has not replied.
        """
        match self._state:
            case CircuitState.CLOSED:
                return limit
            case CircuitState.HALF_OPEN:
                return min(max(1 - unanswered, 0), limit)
            case CircuitState.OPEN:
                return 0

    def _trip(self, unreachable: RelayUnreachable) -> None:
        self._state = CircuitState.OPEN
        self._failures += 1
        self._health.mark_unready(COMPONENT, str(unreachable), in_log=unreachable.in_log)

    def _connected(self) -> None:
        self._health.mark_ready(COMPONENT)
        if self._state is CircuitState.OPEN:
            self._state = CircuitState.HALF_OPEN if self._failures else CircuitState.CLOSED
            self._wake.set()
