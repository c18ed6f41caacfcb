"""The HTTP application of a service: the common pages, the service's own routers, and what every request passes first.

Every error is a problem document (RFC 9457). Called by each service's `app`.
"""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Depends, FastAPI

from shared.kafka.partitioning import PartitionCounts
from shared.runtime.components import ServiceContext
from shared.runtime.metrics import Metrics
from shared.runtime.settings import has_role
from shared.web import problems
from shared.web.application import EVERYWHERE, build_application
from shared.web.auth import Guard
from shared.web.common_pages import common_pages


def build_http(context: ServiceContext, *, guard: Guard, metrics: Metrics, routers: Sequence[APIRouter]) -> FastAPI:
    """The application. `routers` are left out in a copy without the role `http`.

    Until database and topics are prepared the routers answer 503. Routes find `guard` in the application's state.
    """
    app = build_application(context.name, context.settings, guard=guard, registry=metrics.registry)
    app.include_router(common_pages(context, metrics, app.openapi), responses=problems.problems(*EVERYWHERE))
    for router in routers if has_role(context.settings, "http") else ():
        prepared = Depends(partial(_require_prepared, context.partitions))
        app.include_router(router, dependencies=[prepared], responses=problems.problems(*EVERYWHERE))
    return app


async def _require_prepared(partitions: PartitionCounts) -> None:
    """Raises `Transient`, hence 503, while the service is starting."""
    partitions.require()
