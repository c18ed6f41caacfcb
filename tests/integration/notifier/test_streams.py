"""Streams of the inbox: how many may be open, and how long; and what the link of an email opens."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest

from shared.runtime.settings import Settings
from shared.web import limits
from shared.web.auth import Guard
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import event
from tests.kit import http
from tests.kit.events import account
from tests.kit.tokens import SECRET, bearer
from tests.kit.waiting import eventually


@asynccontextmanager
async def stream(notifier: RunningNotifier, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
    """An answer whose body is not read yet."""
    async with notifier.client.stream("GET", "/api/inbox/stream", headers=headers) as answer:
        yield answer


async def status(notifier: RunningNotifier, headers: dict[str, str]) -> int:
    async with stream(notifier, headers) as answer:
        return answer.status_code


@pytest.fixture
async def patient(notifier: RunningNotifier) -> AsyncIterator[RunningNotifier]:
    """The notifier, and a client that may have any number of connections to it."""
    unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with http.client(base_url=notifier.client.base_url, limits=unlimited) as client:
        notifier.client = client
        yield notifier


async def test_an_account_has_so_many_streams_and_a_neighbour_its_own(patient: RunningNotifier) -> None:
    who = bearer(account())
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(stream(patient, who)) for _ in range(limits.STREAMS_PER_ACCOUNT)]
        assert {answer.status_code for answer in opened} == {200}
        async with stream(patient, who) as refused:
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert refused.headers["content-type"] == "application/problem+json"
        assert await status(patient, bearer(account())) == 200
        await opened[0].aclose()
        await eventually(lambda: is_open(patient, who))


async def test_a_process_has_so_many_streams_and_goes_on_answering(patient: RunningNotifier) -> None:
    async with AsyncExitStack() as stack:
        for number in range(limits.STREAMS):
            opened = await stack.enter_async_context(stream(patient, bearer(f"acct-{number // 2}")))
            assert opened.status_code == 200
        assert await status(patient, bearer("one-more")) == 429
        assert f"tenure_http_streams {limits.STREAMS}.0" in (await patient.client.get("/metrics")).text
        assert (await patient.client.get("/api/inbox", headers=bearer("one-more"))).status_code == 200


async def is_open(notifier: RunningNotifier, who: dict[str, str]) -> bool:
    return await status(notifier, who) == 200


async def test_a_stream_ends_when_its_token_expires(notifier: RunningNotifier) -> None:
    began = time.time()
    claims: dict[str, Any] = {"sub": account(), "exp": began + 3}
    token = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}
    async with stream(notifier, token) as answer:
        text = "".join([part async for part in answer.aiter_text()])
    assert text.startswith("retry: 2000\n\nid: 0\nevent: unread")
    assert 2.5 < time.time() - began < 10


async def test_the_head_of_a_stream_takes_no_stream(notifier: RunningNotifier) -> None:
    who = bearer(account())
    for _ in range(limits.STREAMS_PER_ACCOUNT + 5):
        answer = await notifier.client.head("/api/inbox/stream", headers=who)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert await status(notifier, who) == 200


async def test_the_link_of_an_email_reads_and_marks_as_read_and_changes_nothing(
    notifier: RunningNotifier, environment: Environment, settings: Settings
) -> None:
    who = account()
    await environment.publish(event("activated", who, 1))
    await eventually(lambda: has_message(notifier, who))
    message = (await notifier.inbox(who))["messages"][0]["id"]
    link = Guard(settings).link_token(who)
    as_parameter: dict[str, Any] = {"params": {"token": link}}
    for how in (as_parameter, {"headers": {"Authorization": f"Bearer {link}"}}):
        client = notifier.client
        assert (await client.get("/api/preferences", **how)).status_code == 200
        changed = await client.put("/api/preferences", json={"muted": []}, **how)
        assert (changed.status_code, changed.json()["title"]) == (403, "Forbidden")
        assert (await client.post(f"/api/inbox/{message}/read", **how)).json() == {"unread": 0}
        assert (await client.post("/api/inbox/read-all", **how)).json() == {"unread": 0}


async def has_message(notifier: RunningNotifier, who: str) -> bool:
    return bool((await notifier.inbox(who))["messages"])
