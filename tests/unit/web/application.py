"""The application of a service with nothing there that it needs, and a few routes of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from shared.kafka.input_topics import InputTopics
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.settings import Settings
from shared.storage.database import connect
from shared.testclock.clock import SystemClock
from shared.web.auth import AuthenticatedRoute, Guard
from shared.web.http import build_http
from tests.kit.tokens import SECRET


def service_context(database_port: int, **given: Any) -> ServiceContext:
    """Nothing is at the port; partitions are known."""
    url = f"postgresql://nobody@127.0.0.1:{database_port}/none"
    settings = Settings.model_validate({"database_url": url, "auth_secret": SECRET} | given)
    engine = connect(url, "notifier")
    return ServiceContext(
        name="notifier",
        settings=settings,
        schema="notifier",
        engine=engine,
        http_engine=engine,
        health=Health("database"),
        clock=SystemClock(),
        inputs=InputTopics([], settings=settings, engine=engine),
    )


CUSTOMER = "ada@example.com"


class Wanted(BaseModel):
    """A body."""

    text: str


async def greeting() -> PlainTextResponse:
    return PlainTextResponse("hello")


async def query(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.query)


async def bug() -> None:
    raise LookupError(CUSTOMER)


async def late_bug() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise LookupError(CUSTOMER)

    return StreamingResponse(parts())


async def endless() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536
            await asyncio.sleep(0)

    return StreamingResponse(parts())


async def held() -> None:
    await asyncio.Event().wait()


async def put_text(wanted: Wanted) -> int:
    return len(wanted.text)


def router() -> APIRouter:
    """Pages, errors, answers without an end, and a route with a body: for everybody, and for callers with a token."""
    made = APIRouter()
    made.get("/greeting")(greeting)
    made.get("/query")(query)
    made.get("/bug")(bug)
    made.get("/late-bug")(late_bug)
    made.get("/endless")(endless)
    made.get("/held")(held)
    made.put("/text")(put_text)
    made.add_api_route("/owned", put_text, methods=["PUT"], route_class_override=AuthenticatedRoute)
    return made


@asynccontextmanager
async def application(context: ServiceContext) -> AsyncIterator[FastAPI]:
    """The application with `router`, as the services build theirs."""
    context.partitions.fill({"notification-outcomes": 6})
    app = build_http(context, guard=Guard(context.settings), metrics=Metrics(context), routers=[router()])
    yield app
    await context.engine.dispose()
