"""Server-Sent Events whose source is open for exactly as long as their answer."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


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
