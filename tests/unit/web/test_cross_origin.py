"""Which console may call what: the component's paths and no other, by token and never by cookie."""

from collections.abc import AsyncIterator

import httpx
import pytest

from notifier_service.app import NOTIFIER
from tests.kit.applications import application
from tests.kit.cases import cases

CONSOLE = "https://console.example"
STRANGER = "https://stranger.example"


@pytest.fixture
async def notifier() -> AsyncIterator[httpx.AsyncClient]:
    """One that has no database, and lets the console in."""
    transport = httpx.ASGITransport(app=application(NOTIFIER, inbox_origins=CONSOLE))
    async with httpx.AsyncClient(transport=transport, base_url="http://notices.example") as client:
        yield client


@cases("path", ["/tenure-inbox.js", "/tenure-inbox.css", "/inbox/fragment", "/api/inbox", "/api/inbox/stream"])
async def test_the_console_may_call_what_the_component_needs(notifier: httpx.AsyncClient, path: str) -> None:
    answer = await notifier.get(path, headers={"Origin": CONSOLE})
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in (await notifier.get(path, headers={"Origin": STRANGER})).headers


@cases("path", ["/inbox", "/api/notifications", "/api/preferences", "/api/inboxes", "/metrics"])
async def test_nothing_else_is_open_to_it(notifier: httpx.AsyncClient, path: str) -> None:
    answer = await notifier.get(path, headers={"Origin": CONSOLE})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_browser_may_send_the_token_and_remembers_that_for_a_while(notifier: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = await notifier.options("/api/inbox/ntf-1/archive", headers={"Origin": CONSOLE, **asked})
    assert (answer.status_code, answer.headers["access-control-max-age"]) == (200, "600")
    refused = await notifier.options("/api/inbox/ntf-1/archive", headers={"Origin": STRANGER, **asked})
    assert refused.status_code == 400


async def test_a_console_may_say_where_its_stream_goes_on(notifier: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization, last-event-id"}
    answer = await notifier.options("/api/inbox/stream", headers={"Origin": CONSOLE, **asked})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, CONSOLE)
