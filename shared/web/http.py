"""The HTTP application of a service: the common pages, the service's own routers, and what every request passes first.

Every error is a problem document (RFC 9457). Called by each service's `app`.
"""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Depends, FastAPI

from shared.kafka.partitioning import PartitionCounts
from shared.runtime.components import ServiceContext
from shared.runtime.metrics import Metrics
from shared.runtime.settings import has_role
from shared.runtime.version import VERSION
from shared.web import metrics as http_metrics
from shared.web import problems
from shared.web.auth import Guard
from shared.web.common_pages import common_pages
from shared.web.connections import Connections
from shared.web.middleware import ErrorAnswers, HeadAsGet, ProtectiveHeaders, RequestLimits
from shared.web.rate_limits import RateLimit

_ALWAYS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)
"""Errors that any path can answer with, whatever its route does."""


def build_http(context: ServiceContext, *, guard: Guard, metrics: Metrics, routers: Sequence[APIRouter]) -> FastAPI:
    """The application. `routers` are left out in a copy without the role `http`.

    Until database and topics are prepared the routers answer 503. Routes find `guard` in the application's state.
    """
    app = FastAPI(title=f"Tenure: {context.name}", version=VERSION, openapi_url=None, redirect_slashes=False)
    app.state.guard = guard
    problems.install(app)
    _use_problem_media_type(app)
    _add_middleware(app, context, metrics)
    app.include_router(common_pages(context, metrics, app.openapi), responses=problems.problems(*_ALWAYS))
    for router in routers if has_role(context.settings, "http") else ():
        prepared = Depends(partial(_require_prepared, context.partitions))
        app.include_router(router, dependencies=[prepared], responses=problems.problems(*_ALWAYS))
    return app


def _add_middleware(app: FastAPI, context: ServiceContext, metrics: Metrics) -> None:
    """The last one added is the outermost."""
    count_answer = http_metrics.answer_counter(metrics.registry)
    app.state.connections = Connections(count_answer)
    http_metrics.show_connections(metrics.registry, app.state.connections.__len__)
    app.add_middleware(RequestLimits, rate=RateLimit(context.settings.http_rate_per_address))
    app.add_middleware(HeadAsGet)
    app.add_middleware(ErrorAnswers)
    app.add_middleware(ProtectiveHeaders, count_answer=count_answer)


async def _require_prepared(partitions: PartitionCounts) -> None:
    """Raises `Transient`, hence 503, while the service is starting."""
    partitions.require()


def _use_problem_media_type(app: FastAPI) -> None:
    """FastAPI documents errors as `application/json`; the OpenAPI document must name the problems' media type."""
    plain = app.openapi
    app.openapi = lambda: problems.in_problem_json(plain())  # type: ignore[method-assign]
