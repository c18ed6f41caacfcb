"""Every route of both services below `/api`: nothing without a token, and with the link of an email only reading."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from notifier_service.app import NOTIFIER
from shared.runtime.components import Service
from shared.runtime.settings import Settings
from shared.web.auth import Guard
from subscription_service.app import SUBSCRIPTION
from tests.kit.applications import application
from tests.kit.tokens import SECRET

OPENED_BY_A_LINK: Final = {
    "GET /api/inbox",
    "GET /api/inbox/stream",
    "GET /api/preferences",
    "POST /api/inbox/read-all",
    "POST /api/inbox/{message_id}/archive",
    "POST /api/inbox/{message_id}/read",
}
SERVICES: Final = [SUBSCRIPTION, NOTIFIER]
AS_OFTEN_AS_ONE_LIKES: Final = 1_000_000


def build(service: Service) -> FastAPI:
    """The service's application, prepared, without a database, and asked as fast as a test can."""
    return application(service, http_rate_per_address=AS_OFTEN_AS_ONE_LIKES)


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each below `/api`."""
    for path, methods in app.openapi()["paths"].items():
        if path.startswith("/api"):
            yield from ((method.upper(), path) for method in methods)


async def ask(app: FastAPI, method: str, path: str, **how: Any) -> int:
    """The status; parameters of the path are `tag`, which is an id and a kind of configuration."""
    filled = path.replace("{account_id}", "tag").replace("{message_id}", "tag").replace("{kind}", "tag")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        return (await client.request(method, filled, **how)).status_code


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_without_a_good_token_every_path_is_answered_401_and_no_body_is_read(service: Service) -> None:
    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"{}"

    app, read = build(service), list[bool]()
    found = list(operations(app))
    assert found
    for method, path in found:
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            assert await ask(app, method, path, content=body(), headers=headers) == 401, (method, path)
    assert read == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_the_link_of_an_email_opens_reading_the_inbox_and_nothing_else(service: Service) -> None:
    app = build(service)
    link = Guard(Settings.model_validate({"auth_secret": SECRET})).link_token("tag")
    for method, path in operations(app):
        how = {"headers": {"Authorization": f"Bearer {link}"}, "json": {"muted": []}}
        opened = f"{method} {path}" in OPENED_BY_A_LINK
        assert await ask(app, method, path, **how) == (503 if opened else 403), (method, path)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_path_with_one_slash_too_many_leads_nowhere_and_is_not_redirected(service: Service) -> None:
    app = build(service)
    for method, path in operations(app):
        for too_many in ("/", "%2F"):
            assert await ask(app, method, f"{path}{too_many}") in (401, 404, 405), (method, path)
