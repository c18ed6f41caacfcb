"""What a supervisor asks: liveness, readiness, metrics."""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, generate_latest

from shared.runtime.version import VERSION
from tenure.ops.status import COMPONENT, Status

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def probes(status: Status, registry: CollectorRegistry) -> APIRouter:
    """`/health`, `/ready` and `/metrics`, in the form of the services'."""
    router = APIRouter(include_in_schema=False)

    async def health() -> Response:
        return JSONResponse({"status": "alive", "service": "ops", "version": VERSION})

    async def ready() -> Response:
        troubles = troubles_of(status)
        code = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
        return JSONResponse({"ready": not troubles, "troubles": troubles}, code)

    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=_METRICS_TYPE)

    for path, answer in (("/health", health), ("/ready", ready), ("/metrics", metrics)):
        router.get(path)(answer)
    return router


def troubles_of(status: Status) -> dict[str, str]:
    """Component -> why it cannot work now; a page that is still reading is ready, and says so itself."""
    if status.trouble is not None:
        return {COMPONENT: status.trouble}
    return {} if status.heard_at else {COMPONENT: "starting"}
