"""The pages that every service has: liveness, readiness, metrics, AsyncAPI and OpenAPI.

None of them waits for more than `limits.PAGE_SECONDS`, whatever is away; what is generated is generated once.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AwareDatetime, BaseModel

from shared.contracts import asyncapi
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.metrics import Metrics
from shared.runtime.single_flight import SingleFlight
from shared.runtime.version import VERSION
from shared.storage.database import transaction
from shared.web import limits
from shared.web.asyncapi_page import page, page_policy
from shared.web.examples import examples

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_JSON: Final = "application/json"
_JSON_AS_WELL: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_JSON: {}}}}


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


def common_pages(context: ServiceContext, metrics: Metrics, openapi: Callable[[], Mapping[str, Any]]) -> APIRouter:
    """The router; `openapi` makes the document of the whole application, and is called at most once."""
    pages = _CommonPages(context, metrics, openapi)
    router = APIRouter(tags=["operations"])
    router.get("/health")(pages.health)
    router.get("/ready", responses={503: {"model": Readiness}})(pages.ready)
    router.get("/metrics", response_class=Response)(pages.metrics)
    router.get("/asyncapi", response_class=HTMLResponse, responses=_JSON_AS_WELL)(pages.asyncapi_page)
    router.get("/asyncapi.json")(pages.asyncapi_document)
    router.get("/openapi.json", include_in_schema=False)(pages.openapi_document)
    return router


class _CommonPages:
    """One method per path."""

    def __init__(
        self,
        context: ServiceContext,
        metrics: Metrics,
        openapi: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._context = context
        self._metrics = SingleFlight(metrics.exposition)
        self._openapi = openapi
        self._clock = SingleFlight(self._read_clock)

    async def health(self) -> Liveness:
        """Liveness: the process answers."""
        return Liveness(service=self._context.name, version=VERSION, test_clock=await self._test_clock())

    async def ready(self, response: Response) -> Readiness:
        """Readiness: 200 when everything that the service needs is there, 503 with the troubles otherwise."""
        troubles = dict(self._context.health.unready)
        if troubles:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Readiness(ready=not troubles, troubles=troubles)

    async def metrics(self) -> Response:
        """Prometheus, text format."""
        return Response(await self._metrics.result(), media_type=METRICS_TYPE)

    async def asyncapi_page(self, request: Request) -> Response:
        """What the service reads from Kafka and writes to it, as a page; as JSON where `Accept` asks for JSON only."""
        accepted = request.headers.get("accept", "")
        if "json" in accepted and "html" not in accepted:
            return await self.asyncapi_document()
        return HTMLResponse(self._page, headers={"Content-Security-Policy": page_policy()})

    async def asyncapi_document(self) -> Response:
        """The same as an AsyncAPI 3 document."""
        return Response(self._asyncapi_json, media_type=_JSON)

    async def openapi_document(self) -> Response:
        """The service's HTTP, as an OpenAPI document."""
        return Response(self._openapi_json, media_type=_JSON)

    @cached_property
    def _asyncapi(self) -> Mapping[str, Any]:
        settings = self._context.settings
        return asyncapi.document(
            self._context.name,
            topic_prefix=settings.topic_prefix,
            test_clock=settings.test_clock is not None,
            version=VERSION,
            examples=examples(),
        )

    @cached_property
    def _page(self) -> bytes:
        return page(self._asyncapi).encode()

    @cached_property
    def _asyncapi_json(self) -> bytes:
        return _json(self._asyncapi)

    @cached_property
    def _openapi_json(self) -> bytes:
        return _json(self._openapi())

    async def _test_clock(self) -> TestClockStatus | None:
        """A process is alive without its database too, so the wait for it is short."""
        if self._context.settings.test_clock is None:
            return None
        try:
            return TestClockStatus(now=await self._clock.result(limits.PAGE_SECONDS))
        except (Transient, TimeoutError):
            return TestClockStatus(now=None)

    async def _read_clock(self) -> datetime:
        async with transaction(self._context.http_engine) as connection:
            return await self._context.clock.now(connection)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
