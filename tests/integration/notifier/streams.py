"""Reading a live stream of the inbox."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integration.notifier.running import RunningNotifier
from tests.kit.tokens import bearer

StreamEvent = tuple[str, int | None, Any]


@asynccontextmanager
async def open_stream(
    notifier: RunningNotifier, who: str, headers: dict[str, str] | None = None
) -> AsyncIterator[AsyncIterator[StreamEvent]]:
    """The events of a stream, while it is open."""
    wanted = bearer(who) | (headers or {})
    async with notifier.client.stream("GET", "/api/inbox/stream", headers=wanted) as answer:
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[StreamEvent]:
    """(event, id, data); comments are left out."""
    event: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
            continue
        if "event" in event:
            yield event["event"], int(event["id"]) if "id" in event else None, json.loads(event["data"])
        event = {}
