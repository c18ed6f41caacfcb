"""A process's presence in the database: a lock that lives as long as its session, and an ear for the signals.

While the lock is held nobody takes this process's claims from it; so nothing is claimed while it is not held.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Final

from notifier_service.storage.signals import Signal, channel
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient
from shared.storage.database import session_connection

COMPONENT: Final = "presence"

logger = logging.getLogger(__name__)


class ProcessSession:
    """`owner` is this process's name on its claims; `heard` are set when a signal came, or may have been missed."""

    def __init__(self, *, url: str, schema: str, health: Health) -> None:
        self.owner: Final = secrets.randbits(62)
        self.held = asyncio.Event()
        self.heard: Final[Mapping[Signal, asyncio.Event]] = {signal: asyncio.Event() for signal in Signal}
        self._url = url
        self._schema = schema
        self._health = health

    async def run(self) -> None:
        """Be present, for ever; a session that is lost is followed by the next one."""
        while True:
            await retry_transient(self._one_session, health=self._health, component=COMPONENT)
            logger.warning("the session that holds our claims was lost; taking a new one")

    def _hear(self, _session: object, _pid: int, heard: str, _payload: str) -> None:
        for signal, event in self.heard.items():
            if heard == channel(signal, self._schema):
                event.set()

    async def _one_session(self) -> None:
        """Returns when the session is lost. Raises `Transient` when none can be had."""
        async with session_connection(self._url, self._schema) as session:
            lost = asyncio.Event()
            session.add_termination_listener(lambda *_: lost.set())
            await session.execute("SELECT pg_advisory_lock($1)", self.owner)
            for signal in Signal:
                await session.add_listener(channel(signal, self._schema), self._hear)
            self._health.mark_ready(COMPONENT)
            self.held.set()
            for heard in self.heard.values():
                heard.set()
            try:
                await lost.wait()
            finally:
                self.held.clear()
