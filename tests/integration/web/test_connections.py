"""HTTP on real sockets: half requests, slow bodies, callers that do not read, too many connections."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from shared.web import limits
from shared.web.middleware import PROTECTIVE_HEADERS
from shared.web.server import serve
from tests.kit import http
from tests.kit.ports import free_port
from tests.kit.tokens import bearer
from tests.kit.waiting import BUSY, eventually
from tests.unit.web.application import CUSTOMER, application, service_context

HALF = b"GET /greeting HTTP/1.1\r\nHost: service\r\nX-Slow: "
WHOLE = b"GET /greeting HTTP/1.1\r\nHost: service\r\n\r\n"


class Server:
    """A running server; `client` asks it."""

    def __init__(self, port: int, client: httpx.AsyncClient) -> None:
        self.port = port
        self.client = client

    @asynccontextmanager
    async def connection(
        self, sent: bytes = b"", **options: Any
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection on which this was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **options)
        try:
            writer.write(sent)
            yield reader, writer
        finally:
            writer.close()

    async def count(self) -> int:
        """Open connections, the one that asks included."""
        for line in (await self.client.get("/metrics")).text.splitlines():
            if line.startswith("tenure_http_connections "):
                return int(float(line.split()[1]))
        raise AssertionError("the metric is not there")


@asynccontextmanager
async def running(**given: Any) -> AsyncIterator[Server]:
    """A server with these settings."""
    port = free_port()
    context = service_context(free_port(), http_port=port, **given)
    async with application(context) as app:
        serving = asyncio.ensure_future(serve(app, context.settings))
        async with http.client(base_url=f"http://127.0.0.1:{port}") as client:
            await eventually(lambda: answers(client))
            yield Server(port, client)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as made:
        yield made


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/greeting")).status_code == 200
    except httpx.TransportError:
        return False


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of an answer, once the connection has closed."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["content-length"]))
    await closed(reader)
    return int(status.split()[1]), headers, json.loads(body)


async def closed(reader: asyncio.StreamReader) -> None:
    """Nothing comes any more; a caller that is still sending then may see a reset instead of the end."""
    with suppress(ConnectionResetError):
        assert await reader.read() == b""


def assert_problem(found: tuple[int, dict[str, str], Any], status: int) -> None:
    code, headers, document = found
    assert (code, document["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert headers.keys() >= {name.lower() for name in PROTECTIVE_HEADERS}


@pytest.mark.parametrize("sent", [b"", HALF, b"PUT /text HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{"])
async def test_a_request_that_does_not_arrive_whole_ends_after_its_time_however_slowly_it_drips(
    server: Server, sent: bytes
) -> None:
    began = time.monotonic()
    async with server.connection(sent) as (reader, writer):
        answered = asyncio.ensure_future(answer(reader))
        while not answered.done() and time.monotonic() - began < 2 * limits.REQUEST_SECONDS:
            if sent and not writer.is_closing():
                writer.write(b" ")
            await asyncio.wait([answered], timeout=0.5)
        assert_problem(await answered, 408)
    assert limits.REQUEST_SECONDS - 0.5 < time.monotonic() - began < limits.REQUEST_SECONDS + BUSY


async def test_a_connection_may_be_used_again_for_so_long_after_an_answer(server: Server) -> None:
    async with server.connection(WHOLE) as (reader, writer):
        assert b"hello" in await reader.readuntil(b"hello")
        await asyncio.sleep(limits.IDLE_SECONDS / 2)
        writer.write(WHOLE)
        assert b"hello" in await reader.readuntil(b"hello")
        began = time.monotonic()
        assert await reader.read() == b""
        assert limits.IDLE_SECONDS - 0.5 < time.monotonic() - began < limits.IDLE_SECONDS + BUSY


async def test_headers_that_grow_without_an_end_are_refused_at_their_limit(server: Server) -> None:
    async with server.connection(HALF) as (reader, writer):
        for _ in range(limits.HEADER_BYTES // 1_000 + 2):
            writer.write(b"a" * 1_000)
            await asyncio.sleep(0.01)
        assert_problem(await answer(reader), 431)


@pytest.mark.parametrize(
    "sent", [b"hello\r\n\r\n", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"GET /\0 HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_400(server: Server, sent: bytes) -> None:
    async with server.connection(sent) as (reader, _):
        assert_problem(await answer(reader), 400)


async def test_a_large_body_without_a_token_is_answered_before_it_is_sent(server: Server) -> None:
    head = "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}\r\n\r\n"
    for path, how, status in (
        ("/owned", "Content-Length: 300000000", 413),
        ("/owned", "Content-Length: 60000", 401),
        ("/owned", "Transfer-Encoding: chunked", 401),
        ("/text", "Content-Length: 300000000", 413),
    ):
        began = time.monotonic()
        async with server.connection(head.format(path, how).encode()) as (reader, _):
            assert_problem(await answer(reader), status)
        assert time.monotonic() - began < limits.LINGER_SECONDS + BUSY


async def test_who_sends_a_body_that_is_too_large_still_gets_the_answer(server: Server) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 65_536

    for headers, status in (({}, 401), (bearer("acc-1"), 413)):
        assert (await server.client.put("/owned", content=body(), headers=headers)).status_code == status


async def test_a_body_without_an_end_is_cut_off_soon_after_the_answer(server: Server) -> None:
    began = time.monotonic()
    head = b"PUT /owned HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
    async with server.connection(head) as (reader, writer):
        answered = asyncio.ensure_future(answer(reader))
        while not answered.done():
            writer.write(b"a")
            await asyncio.wait([answered], timeout=0.2)
        assert_problem(await answered, 401)
    assert limits.LINGER_SECONDS - 0.5 < time.monotonic() - began < limits.LINGER_SECONDS + BUSY


async def test_a_connection_whose_body_came_after_the_answer_can_be_used_again(server: Server) -> None:
    head = b"PUT /owned HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"
    async with server.connection(head) as (reader, writer):
        await reader.readuntil(b"token is needed.")
        writer.write(b'{"text":"a"}')
        await asyncio.sleep(limits.LINGER_SECONDS + 0.2)
        writer.write(WHOLE)
        assert b"hello" in await reader.readuntil(b"hello")


async def test_a_caller_that_waits_for_permission_to_send_gets_it_only_with_a_token(server: Server) -> None:
    head = "PUT /owned HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nContent-Type: application/json\r\n"
    asking = f"{head}Expect: 100-continue\r\n"
    async with server.connection(f"{asking}\r\n".encode()) as (reader, _):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    allowed = f"{asking}Authorization: {bearer('acc-1')['Authorization']}\r\n\r\n"
    async with server.connection(allowed.encode()) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b'{"text":"a"}')
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_a_caller_that_does_not_read_is_disconnected(server: Server) -> None:
    async with server.connection(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n", limit=1) as (_, writer):
        assert await server.count() == 2
        began = time.monotonic()
        await eventually(lambda: is_alone(server), 2 * limits.SEND_SECONDS)
        assert time.monotonic() - began < limits.SEND_SECONDS + BUSY
        assert not writer.is_closing()


async def is_full(server: Server) -> bool:
    async with server.connection(WHOLE) as (reader, _):
        return (await reader.readline()).startswith(b"HTTP/1.1 503")


async def is_alone(server: Server) -> bool:
    return await server.count() == 1


async def test_more_connections_than_there_may_be_make_those_give_way_that_wait(server: Server) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(limits.CONNECTIONS + 50):
            await stack.enter_async_context(server.connection(HALF))
        assert (await server.client.get("/greeting")).text == "hello"
        assert await server.count() <= limits.CONNECTIONS
        async with server.connection(WHOLE) as (reader, _):
            assert b"hello" in await reader.readuntil(b"hello")


async def test_those_give_way_too_whose_caller_does_not_read(server: Server) -> None:
    endless = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"
    async with AsyncExitStack() as stack:
        for _ in range(limits.CONNECTIONS):
            await stack.enter_async_context(server.connection(endless, limit=1))
        assert (await server.client.get("/greeting")).text == "hello"


async def test_where_all_connections_are_being_answered_one_more_is_refused(server: Server) -> None:
    await server.client.aclose()
    async with AsyncExitStack() as stack:
        for _ in range(limits.CONNECTIONS):
            await stack.enter_async_context(server.connection(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n"))
        await eventually(lambda: is_full(server))
        async with server.connection(WHOLE) as (reader, _):
            assert_problem(await answer(reader), 503)


async def statuses(server: Server, count: int, **headers: str) -> list[int]:
    return [(await server.client.get("/greeting", headers=headers)).status_code for _ in range(count)]


@pytest.mark.usefixtures("one_window")
async def test_a_proxy_that_is_trusted_says_who_calls_and_nobody_else_does() -> None:
    rate = limits.RATE_SECONDS
    async with running(http_rate_per_address=1, http_trusted_proxies="10.0.0.0/8, 127.0.0.1") as server:
        for caller in ("192.0.2.1", "192.0.2.2", "192.0.2.3, 10.1.1.1"):
            assert set(await statuses(server, rate, **{"X-Forwarded-For": caller})) == {200}
        assert await statuses(server, 1, **{"X-Forwarded-For": "192.0.2.3"}) == [429]
        assert await statuses(server, 1, **{"X-Forwarded-For": "192.0.2.9, 192.0.2.2"}) == [429]
    async with running(http_rate_per_address=1, http_trusted_proxies="10.0.0.0/8") as server:
        found = [await statuses(server, 1, **{"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(rate)]
        assert [429] in found


async def test_an_error_in_the_midst_of_an_answer_cuts_it_off_and_is_logged_without_its_text(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.connection(b"GET /late-bug HTTP/1.1\r\nHost: x\r\n\r\n") as (reader, _):
        assert (await reader.read()).endswith(b"first\r\n")
    assert "an HTTP request failed method=GET error=LookupError" in caplog.text
    assert CUSTOMER not in caplog.text


async def test_an_answer_does_not_name_the_software(server: Server) -> None:
    for path in ("/greeting", "/nowhere", "/bug"):
        headers = (await server.client.get(path)).headers
        assert "server" not in headers
        assert headers["date"]


async def test_requests_on_one_connection_are_answered_in_turn(server: Server) -> None:
    async with server.connection(WHOLE * 50) as (reader, _):
        for _ in range(50):
            assert b"hello" in await reader.readuntil(b"hello")
