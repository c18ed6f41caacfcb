"""The HTTP application of a service: common pages (health, readiness, metrics, AsyncAPI) and the service's routers.

Every error is a problem document (RFC 9457). Called by each service's `app`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import AwareDatetime, BaseModel
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts import asyncapi
from shared.kafka.partitioning import PartitionCounts
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.metrics import Metrics
from shared.runtime.version import VERSION
from shared.storage.database import transaction
from shared.web import problems
from shared.web.asyncapi_page import content_security_policy, page
from shared.web.auth import Guard
from shared.web.examples import examples

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LIVENESS_SECONDS: Final = 1.0
_JSON_AS_WELL: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/json": {}}}}
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Responses hold personal data and URLs may hold a token: no caching, no referrer, no guessing of content types."""


class TestClockStatus(BaseModel):
    """Given only with the test clock on; `now` is null while the database is away."""

    __test__ = False

    now: AwareDatetime | None
    warning: str = "The test clock is on: time stands still until it is advanced."


class Liveness(BaseModel):
    """What `/health` answers; `test_clock` is null on real time."""

    status: Literal["alive"] = "alive"
    service: str
    version: str
    test_clock: TestClockStatus | None


class Readiness(BaseModel):
    """What `/ready` answers. `troubles`: component -> why it cannot work now; empty when ready."""

    ready: bool
    troubles: dict[str, str]


def build_http(context: ServiceContext, *, guard: Guard, metrics: Metrics, routers: Sequence[APIRouter]) -> FastAPI:
    """The application: the common pages, and the service's own `routers`.

    Until database and topics are prepared the routers answer 503. Routes find `guard` in the application's state.
    """
    app = FastAPI(title=f"Tenure: {context.name}", version=VERSION, docs_url=None, redoc_url=None)
    app.state.guard = guard
    problems.install(app)
    app.add_middleware(_ProtectiveHeaders)
    app.include_router(_common_pages(context, metrics))
    for router in routers:
        app.include_router(router, dependencies=[Depends(partial(_require_prepared, context.partitions))])
    _use_problem_media_type(app)
    return app


async def _require_prepared(partitions: PartitionCounts) -> None:
    """Raises `Transient`, hence 503, while the service is starting."""
    partitions.require()


def _common_pages(context: ServiceContext, metrics: Metrics) -> APIRouter:
    document = asyncapi.document(
        context.name,
        topic_prefix=context.settings.topic_prefix,
        test_clock=context.settings.test_clock is not None,
        version=VERSION,
        examples=examples(),
    )
    pages = _CommonPages(context, metrics, document)
    router = APIRouter(tags=["operations"])
    router.get("/health")(pages.health)
    router.get("/ready", responses={503: {"model": Readiness}})(pages.ready)
    router.get("/metrics", response_class=Response)(pages.metrics)
    router.get("/asyncapi", response_class=HTMLResponse, responses=_JSON_AS_WELL)(pages.asyncapi_page)
    router.get("/asyncapi.json")(pages.asyncapi_document)
    return router


class _CommonPages:
    """One method per path."""

    def __init__(self, context: ServiceContext, metrics: Metrics, document: Mapping[str, Any]) -> None:
        self._context = context
        self._metrics = metrics
        self._document = document

    async def health(self) -> Liveness:
        """Liveness: the process answers."""
        return Liveness(service=self._context.name, version=VERSION, test_clock=await _test_clock(self._context))

    async def ready(self, response: Response) -> Readiness:
        """Readiness: 200 when everything that the service needs is there, 503 with the troubles otherwise."""
        health = self._context.health
        if not health.ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Readiness(ready=health.ready, troubles=dict(health.unready))

    async def metrics(self) -> Response:
        """Prometheus, text format."""
        return Response(await self._metrics.exposition(), media_type=METRICS_TYPE)

    async def asyncapi_page(self, request: Request) -> Response:
        """What the service reads from Kafka and writes to it, as a page; as JSON where `Accept` asks for JSON only."""
        accepted = request.headers.get("accept", "")
        if "json" in accepted and "html" not in accepted:
            return await self.asyncapi_document()
        return HTMLResponse(self._page, headers={"Content-Security-Policy": content_security_policy()})

    @cached_property
    def _page(self) -> str:
        return page(self._document)

    async def asyncapi_document(self) -> JSONResponse:
        """The same as an AsyncAPI 3 document."""
        return JSONResponse(dict(self._document))


async def _test_clock(context: ServiceContext) -> TestClockStatus | None:
    """A process is alive without its database too, so the wait for it is short."""
    if context.settings.test_clock is None:
        return None
    try:
        async with asyncio.timeout(_LIVENESS_SECONDS), transaction(context.engine) as connection:
            return TestClockStatus(now=await context.clock.now(connection))
    except (Transient, TimeoutError):
        return TestClockStatus(now=None)


def _use_problem_media_type(app: FastAPI) -> None:
    """FastAPI documents errors as `application/json`; the OpenAPI document must name the problems' media type."""
    plain = app.openapi
    app.openapi = lambda: problems.in_problem_json(plain())  # type: ignore[method-assign]


class _ProtectiveHeaders:
    """Middleware: adds `_HEADERS` where a response does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
