"""The HTTP edge that both services have: health, readiness, metrics, AsyncAPI; every error a problem document.

`build_http` makes the app; a service's own routers are included by its `app`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import AwareDatetime, BaseModel
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.testclock.clock import TestClock
from shared.web import problems
from shared.web.asyncapi_page import page
from shared.web.auth import Guard

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LIVENESS_SECONDS: Final = 1.0
_AS_JSON_TOO: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/json": {}}}}
_CAREFUL: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Answers hold personal data and addresses may hold a token: nothing is cached, passed on or guessed."""


class TestClockStatus(BaseModel):
    """Given only with the test clock on; `now` is null while the database is away."""

    __test__ = False

    now: AwareDatetime | None
    warning: str = "The test clock is on: time stands still until it is advanced."


class Liveness(BaseModel):
    status: Literal["alive"] = "alive"
    service: str
    version: str
    test_clock: TestClockStatus | None


class Readiness(BaseModel):
    """`troubles`: part -> why it cannot work just now; empty when ready."""

    ready: bool
    troubles: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What the common pages are made of."""

    service: str
    version: str
    settings: Settings
    engine: Engine
    health: Health
    guard: Guard
    metrics: Callable[[], Awaitable[bytes]]
    asyncapi: Mapping[str, Any]


def build_http(edge: Edge) -> FastAPI:
    """The app with the common pages; routes find the `Edge` and the `Guard` in its state."""
    app = FastAPI(title=f"Tenure: {edge.service}", version=edge.version, docs_url=None, redoc_url=None)
    app.state.edge = edge
    app.state.guard = edge.guard
    problems.install(app)
    app.add_middleware(_Careful)
    app.get("/health", tags=["operations"])(_health)
    app.get("/ready", tags=["operations"], responses={503: {"model": Readiness}})(_ready)
    app.get("/metrics", tags=["operations"], response_class=Response)(_metrics)
    app.get("/asyncapi", tags=["operations"], response_class=HTMLResponse, responses=_AS_JSON_TOO)(_asyncapi_page)
    app.get("/asyncapi.json", tags=["operations"])(_asyncapi_document)
    _tell_errors_truly(app)
    return app


async def _health(request: Request) -> Liveness:
    """Liveness: the process answers."""
    edge = _edge(request)
    return Liveness(service=edge.service, version=edge.version, test_clock=await _test_clock(edge))


async def _ready(request: Request, response: Response) -> Readiness:
    """Readiness: 200 when everything that the service needs is there, 503 with the troubles otherwise."""
    health = _edge(request).health
    if not health.ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(ready=health.ready, troubles=dict(health.troubles))


async def _metrics(request: Request) -> Response:
    """Prometheus, text format."""
    return Response(await _edge(request).metrics(), media_type=METRICS_TYPE)


async def _asyncapi_page(request: Request) -> Response:
    """What the service reads from Kafka and writes to it, for people; as JSON for whom `Accept` asks for that alone."""
    accepted = request.headers.get("accept", "")
    if "json" in accepted and "html" not in accepted:
        return await _asyncapi_document(request)
    return HTMLResponse(page(_edge(request).asyncapi))


async def _asyncapi_document(request: Request) -> JSONResponse:
    """The same as an AsyncAPI 3 document."""
    return JSONResponse(dict(_edge(request).asyncapi))


async def _test_clock(edge: Edge) -> TestClockStatus | None:
    """A process is alive without its database too, so the wait for it is short."""
    if edge.settings.test_clock is None:
        return None
    try:
        async with asyncio.timeout(_LIVENESS_SECONDS), transaction(edge.engine) as connection:
            return TestClockStatus(now=await TestClock().now(connection))
    except (Transient, TimeoutError):
        return TestClockStatus(now=None)


def _edge(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


def _tell_errors_truly(app: FastAPI) -> None:
    plain = app.openapi
    app.openapi = lambda: problems.in_problem_json(plain())  # type: ignore[method-assign]


class _Careful:
    """Adds the headers of `_CAREFUL` where an answer does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_carefully(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _CAREFUL.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_carefully)
