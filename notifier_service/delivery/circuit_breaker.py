"""Whether the mail relay can be reached: known before a mail needs it, and said in the health.

Invariant: after a failure nothing is sent until a connection stands again; then one mail goes first, and only a
reply to it opens the way for all. So a relay that lets us in and then fails is not stormed.
"""

import asyncio
import logging
import random
from typing import Final

from notifier_service.delivery import backoff
from notifier_service.delivery.smtp import MailRelay, Unreachable
from shared.runtime.health import Health
from shared.runtime.retry import wait_for_event

COMPONENT: Final = "mail"
_LOOK_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class RelayCircuitBreaker:
    """`keep` runs for ever; senders tell how it went by `lost` and `answered`."""

    def __init__(self, relay: MailRelay, health: Health, *, wake: asyncio.Event) -> None:
        self._relay = relay
        self._health = health
        self._wake = wake
        self._open = False
        self._failures = 0
        self._lost = asyncio.Event()

    async def keep(self) -> None:
        """Keep a connection standing, in real time: growing waits while the relay is away."""
        while True:
            self._lost.clear()
            try:
                await self._relay.reach()
            except Unreachable as away:
                self._failed(str(away))
            else:
                self._opened()
                await wait_for_event(self._lost, _LOOK_SECONDS)
            if not self._open:
                await asyncio.sleep(backoff.unreachable(self._failures, random.uniform(-1, 1)))

    def lost(self, why: str) -> None:
        """A mail did not get through; many may tell so at once, and it counts once."""
        if self._open:
            self._failed(why)
            self._lost.set()

    def answered(self) -> None:
        """The relay has answered to a mail."""
        self._failures = 0

    def room(self, under_way: int, at_once: int) -> int:
        """How many more mails may be taken up."""
        if not self._open:
            return 0
        return max((1 if self._failures else at_once) - under_way, 0)

    def _failed(self, why: str) -> None:
        self._open = False
        self._failures += 1
        self._health.mark_unready(COMPONENT, why)
        logger.warning("mail waits: %s", why)

    def _opened(self) -> None:
        self._health.mark_ready(COMPONENT)
        if not self._open:
            self._open = True
            self._wake.set()
