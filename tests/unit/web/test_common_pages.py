"""The HTTP application while a service starts: it lives, it is not ready, and its own routes answer 503."""

import httpx
import pytest
from fastapi import APIRouter

from shared.runtime.components import ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard
from shared.web.http import build_http
from tests.unit.web.application import service_context


@pytest.fixture
def context(unused_tcp_port: int) -> ServiceContext:
    """Nothing that it needs is there."""
    return service_context(unused_tcp_port)


async def get(context: ServiceContext, path: str) -> httpx.Response:
    router = APIRouter()
    router.get("/api/greeting")(lambda: "hello")
    app = build_http(context, guard=Guard(context.settings), metrics=Metrics(context), routers=[router])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        return await client.get(path)


async def test_a_process_that_still_waits_for_its_database_is_alive_but_not_ready(context: ServiceContext) -> None:
    assert (await get(context, "/health")).status_code == 200
    answer = await get(context, "/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "troubles": {"database": "starting"}})


async def test_without_a_database_the_metrics_say_so(context: ServiceContext) -> None:
    answer = await get(context, "/metrics")
    assert {"tenure_database_up 0.0", "tenure_ready 0.0"} <= set(answer.text.splitlines())


async def test_a_services_own_routes_answer_503_until_it_is_prepared(context: ServiceContext) -> None:
    answer = await get(context, "/api/greeting")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    context.partitions.fill({"notification-outcomes": 6})
    assert (await get(context, "/api/greeting")).json() == "hello"
