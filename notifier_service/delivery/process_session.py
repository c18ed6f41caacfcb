"""The database session that makes this process's leases valid, and that receives the signals of other copies.

While the session holds the advisory lock `owner`, no other process ends leases of this process. PostgreSQL ends the
session, and frees the lock, of a process that has fallen silent (`shared.storage.session`). So the session is confirmed
all the time, and counts as certain for `CERTAIN_SECONDS` after the last statement that was answered was sent.

Invariant: other processes end leases only after they have found the lock free for longer than that (`takeover`).
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Final

from notifier_service.storage.signals import Signal, channel
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.log_lines import SESSION_LOST
from shared.runtime.retry import retry_transient
from shared.storage.session import Session, session_connection

COMPONENT: Final = "presence"
"""The name under `troubles` in `/ready`, by which operators know it."""
CERTAIN_SECONDS: Final = 1.0
_CONFIRM_SECONDS: Final = 0.3


class ProcessSession:
    """`owner`: random, names this process in its leases. `lock_held` is set while the lock is held.

    `number` counts the sessions of this process. `received`: one event per signal, set when it came, and when it may
    have been missed.
    """

    def __init__(self, *, url: str, schema: str, health: Health) -> None:
        self.owner: Final = secrets.randbits(62)
        self.number = 0
        self.lock_held = asyncio.Event()
        self.received: Final[Mapping[Signal, asyncio.Event]] = {signal: asyncio.Event() for signal in Signal}
        self._url = url
        self._schema = schema
        self._health = health
        self._session: Session | None = None

    @property
    def is_certain(self) -> bool:
        """Whether no other process can have ended leases of this session, though this process may have been frozen."""
        return self._session is not None and time.monotonic() < self._session.confirmed_at + CERTAIN_SECONDS

    async def run(self) -> None:
        """Hold the lock and listen, for ever; a lost session is replaced by a new one."""
        while True:
            await retry_transient(self._hold_session, health=self._health, component=COMPONENT)

    async def _hold_session(self) -> None:
        """Returns when the session is lost. Raises `Transient` when none can be opened."""
        async with session_connection(self._url, self._schema) as session:
            await session.fetchval("SELECT pg_advisory_lock($1)", self.owner)
            for signal in Signal:
                await session.listen(channel(signal, self._schema), self._receive)
            self._health.mark_ready(COMPONENT)
            self._session = session
            self.number += 1
            self.lock_held.set()
            for event in self.received.values():
                event.set()
            try:
                await session.keep(_CONFIRM_SECONDS)
            except Transient as lost:
                SESSION_LOST.say(of=COMPONENT, reason=str(lost))
            finally:
                self.lock_held.clear()
                self._session = None

    def _receive(self, name: str) -> None:
        for signal, event in self.received.items():
            if name == channel(signal, self._schema):
                event.set()
