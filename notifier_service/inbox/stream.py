"""The live inbox: Server-Sent Events `message` and `unread`, whatever copy wrote or read the message.

Nothing is queued for a listener: each one knows how far it has told, is woken when its inbox has changed, and reads
on from there in the table. So a slow listener costs no memory, and one that comes back misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson

from notifier_service.inbox import messages
from notifier_service.inbox.messages import InboxSummary
from notifier_service.inbox.shapes import Message
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient, wait_for_event
from shared.storage.database import Engine, transaction

COMPONENT: Final = "streams"
_AT_ONCE: Final = 100
_KEEP_ALIVE_SECONDS: Final = 15.0
_GATHER_SECONDS: Final = 0.05
_OPENING: Final = b"retry: 2000\n\n"
_KEEP_ALIVE: Final = b": still here\n\n"


class Listener:
    """One open stream: how its inbox stood when last looked at, and the bell."""

    def __init__(self) -> None:
        self.summary = InboxSummary()
        self.bell = asyncio.Event()

    def changed(self, summary: InboxSummary) -> None:
        """Ring when the inbox does not stand as it did."""
        if summary != self.summary:
            self.summary = summary
            self.bell.set()


class Streams:
    """All open streams of a process. `run` watches for all of them with one question to the database."""

    def __init__(self, engine: Engine, health: Health, *, changed: asyncio.Event) -> None:
        self._engine = engine
        self._health = health
        self._changed = changed
        self._open: dict[str, set[Listener]] = {}
        self._closing = False

    async def run(self) -> None:
        """Wake the listeners whose inboxes change; when cancelled, end all streams, so that the server can stop."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._open:
                    await retry_transient(self._look, health=self._health, component=COMPONENT)
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._close()

    def _close(self) -> None:
        """Browsers come back by themselves."""
        self._closing = True
        for listeners in self._open.values():
            for listener in listeners:
                listener.bell.set()

    async def events(self, account_id: str, since: int | None) -> AsyncIterator[bytes]:
        """What one client is sent: messages behind `since` (None: new ones only), and `unread` when it changes."""
        async with self._listening(account_id) as listener:
            await self._look_for(account_id, listener)
            told = listener.summary.last if since is None else since
            unread = None
            yield _OPENING
            while not self._closing:
                listener.bell.clear()
                summary = listener.summary
                for row in await self._since(account_id, told):
                    told = row.number
                    yield _event("message", Message.of(row).model_dump(mode="json"), number=told)
                if summary.unread != unread:
                    unread = summary.unread
                    yield _event("unread", {"unread": unread})
                if told >= summary.last and not await wait_for_event(listener.bell, _KEEP_ALIVE_SECONDS):
                    yield _KEEP_ALIVE

    @asynccontextmanager
    async def _listening(self, account_id: str) -> AsyncIterator[Listener]:
        listener = Listener()
        self._open.setdefault(account_id, set()).add(listener)
        try:
            yield listener
        finally:
            self._open[account_id].discard(listener)
            if not self._open[account_id]:
                del self._open[account_id]

    async def _look(self) -> None:
        async with transaction(self._engine) as connection:
            summaries = await messages.summaries(connection, self._open)
        for account_id, listeners in self._open.items():
            for listener in listeners:
                listener.changed(summaries.get(account_id, InboxSummary()))

    async def _look_for(self, account_id: str, listener: Listener) -> None:
        async with transaction(self._engine) as connection:
            summaries = await messages.summaries(connection, [account_id])
        listener.changed(summaries.get(account_id, InboxSummary()))

    async def _since(self, account_id: str, number: int) -> Any:
        async with transaction(self._engine) as connection:
            return await messages.since(connection, account_id, number, limit=_AT_ONCE)


def _event(name: str, data: dict[str, Any], *, number: int | None = None) -> bytes:
    """One event; `number` is what `Last-Event-ID` will bring back. JSON holds no line break."""
    head = b"id: %d\n" % number if number is not None else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), orjson.dumps(data))
