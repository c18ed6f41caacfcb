"""Server-Sent Events: how they are written, and an answer whose source is open for exactly as long as itself."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import orjson
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

OPENING: Final = b"retry: 2000\n\n"
"""What comes first: a client that has lost its connection connects again after 2 s."""
KEEP_ALIVE: Final = b": still here\n\n"
"""A comment, so that nobody in between closes a connection that is idle."""


def server_sent_event(name: str, data: object, *, number: int | None = None) -> bytes:
    """One event; the client sends `number` back as `Last-Event-ID`. `data` as JSON contains no line break."""
    head = b"id: %d\n" % number if number is not None else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), orjson.dumps(data))


class EventStream(StreamingResponse):
    """An answer of `text/event-stream`. `events` is entered before anything is sent, and left when the client leaves.

    What entering it raises is answered like any other error.
    """

    def __init__(self, events: AbstractAsyncContextManager[AsyncIterator[bytes]]) -> None:
        super().__init__((), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client leaves."""
        async with self._events as self.body_iterator:
            await super().__call__(scope, receive, send)
