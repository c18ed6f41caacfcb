"""The live inbox: Server-Sent Events `message` and `unread`, whichever copy stored or marked the message.

Nothing is queued per client: each stream remembers the `number` of the last message it sent, is woken when its inbox
has changed, and continues from there in the table. So a slow client costs no memory, and a reconnect misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson

from notifier_service.inbox.shapes import Message
from notifier_service.storage import messages
from notifier_service.storage.messages import InboxMessage, InboxSummary
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient, wait_for_event
from shared.storage.database import Engine, transaction

COMPONENT: Final = "streams"
_MESSAGES_PER_QUERY: Final = 100
_KEEP_ALIVE_SECONDS: Final = 15.0
_GATHER_SECONDS: Final = 0.05
"""Changes within this time are looked up with one query."""
_OPENING: Final = b"retry: 2000\n\n"
_KEEP_ALIVE: Final = b": still here\n\n"


class _Stream:
    """One connected client. `summary`: of its inbox when last queried; `changed` is set when that has changed."""

    def __init__(self) -> None:
        self.summary = InboxSummary()
        self.changed = asyncio.Event()

    def update(self, summary: InboxSummary) -> None:
        if summary != self.summary:
            self.summary = summary
            self.changed.set()


class Streams:
    """All connected clients of a process. `run` watches all their inboxes with one query per change."""

    def __init__(self, engine: Engine, health: Health, *, changed: asyncio.Event) -> None:
        """`changed` is set whenever any inbox of the service may have changed."""
        self._engine = engine
        self._health = health
        self._changed = changed
        self._connected: dict[str, set[_Stream]] = {}
        self._closing = False

    async def run(self) -> None:
        """Wake the streams whose inboxes change; when cancelled, end all streams, so that the server can stop."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._connected:
                    await retry_transient(self._update_all, health=self._health, component=COMPONENT)
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._close()

    async def events(self, account_id: str, since: int | None) -> AsyncIterator[bytes]:
        """What one client is sent: messages with a higher `number` than `since` (None: future ones only), and `unread`.

        `unread` is sent first and whenever it changes; a comment keeps an idle connection open.
        """
        async with self._connect(account_id) as stream:
            await self._update(account_id, stream)
            sent = stream.summary.newest if since is None else since
            unread = None
            yield _OPENING
            while not self._closing:
                stream.changed.clear()
                summary = stream.summary
                for message in await self._messages_after(account_id, sent):
                    sent = message.number
                    yield _event("message", Message.of(message).model_dump(mode="json"), number=sent)
                if summary.unread != unread:
                    unread = summary.unread
                    yield _event("unread", {"unread": unread})
                if sent >= summary.newest and not await wait_for_event(stream.changed, _KEEP_ALIVE_SECONDS):
                    yield _KEEP_ALIVE

    @asynccontextmanager
    async def _connect(self, account_id: str) -> AsyncIterator[_Stream]:
        stream = _Stream()
        self._connected.setdefault(account_id, set()).add(stream)
        try:
            yield stream
        finally:
            self._connected[account_id].discard(stream)
            if not self._connected[account_id]:
                del self._connected[account_id]

    def _close(self) -> None:
        """Clients reconnect by themselves, to another copy."""
        self._closing = True
        for streams in self._connected.values():
            for stream in streams:
                stream.changed.set()

    async def _update_all(self) -> None:
        async with transaction(self._engine) as connection:
            summaries = await messages.summaries(connection, self._connected)
        for account_id, streams in self._connected.items():
            for stream in streams:
                stream.update(summaries.get(account_id, InboxSummary()))

    async def _update(self, account_id: str, stream: _Stream) -> None:
        async with transaction(self._engine) as connection:
            stream.update(await messages.summary(connection, account_id))

    async def _messages_after(self, account_id: str, number: int) -> list[InboxMessage]:
        async with transaction(self._engine) as connection:
            return await messages.after(connection, account_id, number, limit=_MESSAGES_PER_QUERY)


def _event(name: str, data: dict[str, Any], *, number: int | None = None) -> bytes:
    """One event; the client sends `number` back as `Last-Event-ID`. `data` as JSON contains no line break."""
    head = b"id: %d\n" % number if number is not None else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), orjson.dumps(data))
