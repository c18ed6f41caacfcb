"""The page kept live: Server-Sent Events `sections` with the parts that have changed, and `series` for the chart.

The parts are rendered once a second, however many look at the page, and not at all where nobody does. A stream ends
with its caller's token.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from shared.web import limits
from shared.web.auth import Caller
from shared.web.event_stream import KEEP_ALIVE, OPENING, server_sent_event
from shared.web.rate_limits import too_many
from tenure.ops.overview import View
from tenure.ops.page import sections

_SECONDS: Final = 1.0
_SERIES_EVERY: Final = 10
_KEEP_ALIVE_EVERY: Final = 15


class Live:
    """All open pages of the process."""

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view
        self._open: Counter[str] = Counter()
        self._rendered: Mapping[str, str] = {}
        self._rendered_at = float("-inf")

    def __len__(self) -> int:
        return self._open.total()

    @asynccontextmanager
    async def open(self, caller: Caller) -> AsyncIterator[AsyncIterator[bytes]]:
        """What one page is sent. Raises `Problem` 429 where too many are open."""
        with self._counted(caller.account_id):
            yield self._events(caller)

    async def _events(self, caller: Caller) -> AsyncIterator[bytes]:
        sent: dict[str, str] = {}
        number = 0
        yield OPENING
        while caller.seconds_left > 0:
            changed = {name: html for name, html in self._sections().items() if sent.get(name) != html}
            if changed:
                sent.update(changed)
                yield server_sent_event("sections", changed)
            if number % _SERIES_EVERY == 0:
                yield server_sent_event("series", self._view().series())
            elif number % _KEEP_ALIVE_EVERY == 0:
                yield KEEP_ALIVE
            number += 1
            await asyncio.sleep(_SECONDS)

    def _sections(self) -> Mapping[str, str]:
        if time.monotonic() - self._rendered_at > _SECONDS / 2:
            self._rendered, self._rendered_at = sections(self._view()), time.monotonic()
        return self._rendered

    @contextmanager
    def _counted(self, account_id: str) -> Iterator[None]:
        if self._open[account_id] >= limits.STREAMS_PER_ACCOUNT or len(self) >= limits.STREAMS:
            raise too_many("There are too many open pages; please close one.")
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
