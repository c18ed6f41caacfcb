"""An HTTP application with nothing in it but what every request passes, and how every error is answered.

Every error is a problem document (RFC 9457).
"""

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from shared.runtime.settings import Settings
from shared.runtime.version import VERSION
from shared.web import metrics as http_metrics
from shared.web import problems
from shared.web.auth import Guard
from shared.web.connections import Connections
from shared.web.middleware import ErrorAnswers, HeadAsGet, ProtectiveHeaders, RequestLimits
from shared.web.rate_limits import RateLimit

EVERYWHERE: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)
"""Errors that any path can answer with, whatever its route does."""


def build_application(name: str, settings: Settings, *, guard: Guard, registry: CollectorRegistry) -> FastAPI:
    """The application. Routes find `guard` in its state; `registry` gets what HTTP counts of itself."""
    app = FastAPI(title=f"Tenure: {name}", version=VERSION, openapi_url=None, redirect_slashes=False)
    app.state.guard = guard
    problems.install(app)
    _use_problem_media_type(app)
    _add_middleware(app, settings, registry)
    return app


def _add_middleware(app: FastAPI, settings: Settings, registry: CollectorRegistry) -> None:
    """The last one added is the outermost."""
    count_answer = http_metrics.answer_counter(registry)
    app.state.connections = Connections(count_answer)
    http_metrics.show_connections(registry, app.state.connections.__len__)
    app.add_middleware(RequestLimits, rate=RateLimit(settings.http_rate_per_address))
    app.add_middleware(HeadAsGet)
    app.add_middleware(ErrorAnswers)
    app.add_middleware(ProtectiveHeaders, count_answer=count_answer)


def _use_problem_media_type(app: FastAPI) -> None:
    """FastAPI documents errors as `application/json`; the OpenAPI document must name the problems' media type."""
    plain = app.openapi
    app.openapi = lambda: problems.in_problem_json(plain())  # type: ignore[method-assign]
