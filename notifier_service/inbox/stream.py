"""The live inbox: Server-Sent Events `message` and `unread`, whichever copy stored or marked the message.

Nothing is queued per client: each stream remembers the `number` of the last message it sent, is woken when its inbox
has changed, and continues from there in the table. So a slow client costs no memory, and a reconnect misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from notifier_service.inbox.shapes import Message
from notifier_service.log_lines import STREAM_ENDS
from notifier_service.storage import messages
from notifier_service.storage.messages import InboxMessage, InboxSummary
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient, wait_for_event
from shared.storage.database import Engine, transaction
from shared.web import limits
from shared.web.auth import Caller
from shared.web.event_stream import KEEP_ALIVE, OPENING, server_sent_event
from shared.web.rate_limits import too_many

COMPONENT: Final = "streams"
_MESSAGES_PER_QUERY: Final = 100
_KEEP_ALIVE_SECONDS: Final = 15.0
_GATHER_SECONDS: Final = 0.05
"""Changes within this time are looked up with one query."""


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

    def __init__(self, engine: Engine, health: Health) -> None:
        self.changed = asyncio.Event()
        """To be set whenever any inbox of the service may have changed."""
        self._engine = engine
        self._health = health
        self._connected: dict[str, set[_Stream]] = {}
        self._closing = False

    def __len__(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._connected.values()))

    async def run(self) -> None:
        """Wake the streams whose inboxes change; when cancelled, end all streams, so that the server can stop."""
        try:
            while True:
                await self.changed.wait()
                self.changed.clear()
                if self._connected:
                    await retry_transient(self._update_all, health=self._health, component=COMPONENT)
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._close()

    @asynccontextmanager
    async def open(self, caller: Caller, since: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        """What one client is sent: messages with a higher `number` than `since` (None: future ones only), and `unread`.

        `unread` is sent first, and whenever it changes or something is archived, with the number up to which messages
        were sent, so that a client that has had none yet can go on there too; a comment keeps an idle connection open.
        It ends when the caller's token expires. Raises `Problem` 429 where too many are open, `Transient`.
        """
        with self._connect(caller.account_id) as stream:
            async with transaction(self._engine) as connection:
                stream.update(await messages.summary(connection, caller.account_id))
            yield self._until_away(self._events(caller, stream, since))

    async def _until_away(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The events until the database is away: the client connects again."""
        try:
            async for event in events:
                yield event
        except Transient as away:
            STREAM_ENDS.say(reason=str(away))

    async def _events(self, caller: Caller, stream: _Stream, since: int | None) -> AsyncIterator[bytes]:
        sent = stream.summary.newest if since is None else since
        told = None
        yield OPENING
        while not self._closing and caller.seconds_left > 0:
            stream.changed.clear()
            summary = stream.summary
            for message in await self._messages_after(caller.account_id, sent):
                sent = message.number
                yield server_sent_event("message", Message.of(message).model_dump(mode="json"), number=sent)
            if (summary.unread, summary.archived) != told:
                told = summary.unread, summary.archived
                yield server_sent_event("unread", {"unread": summary.unread}, number=sent)
            patience = min(_KEEP_ALIVE_SECONDS, caller.seconds_left)
            if sent >= summary.newest and not await wait_for_event(stream.changed, patience):
                yield KEEP_ALIVE

    @contextmanager
    def _connect(self, account_id: str) -> Iterator[_Stream]:
        if len(self._connected.get(account_id, ())) >= limits.STREAMS_PER_ACCOUNT or len(self) >= limits.STREAMS:
            raise too_many("There are too many open streams; please try again later.")
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

    async def _messages_after(self, account_id: str, number: int) -> list[InboxMessage]:
        async with transaction(self._engine) as connection:
            return await messages.after(connection, account_id, number, limit=_MESSAGES_PER_QUERY)
