"""What every request passes: protective headers, errors as problem documents, `HEAD`, rates and sizes."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from shared.web import limits
from shared.web.middleware import PROTECTIVE_HEADERS
from tests.kit.cases import cases
from tests.kit.tokens import bearer
from tests.unit.web.application import CUSTOMER, application, service_context

PAGES = ["/health", "/ready", "/metrics", "/asyncapi", "/asyncapi.json", "/openapi.json", "/greeting"]


@pytest.fixture
async def app(unused_tcp_port: int) -> AsyncIterator[FastAPI]:
    async with application(service_context(unused_tcp_port)) as made:
        yield made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made


def client_of(app: FastAPI, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service")


def is_problem(answer: httpx.Response, status: int) -> bool:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return bool(answer.json()["status"] == status)


@pytest.mark.slow
@cases("path", [*PAGES, "/nowhere", "/bug", "/greeting?x=%00", "/owned"])
async def test_every_answer_has_the_protective_headers_and_names_no_software(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    for name in PROTECTIVE_HEADERS:
        assert answer.headers[name]
    policy = answer.headers["content-security-policy"]
    for forbidden in ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
        assert forbidden in policy
    assert "server" not in answer.headers


@cases("path", [*PAGES, "/endless"])
async def test_head_answers_as_get_without_a_body(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.head(path)
    assert answer.status_code in (200, 503)
    assert answer.content == b""
    assert (await client.head("/nowhere")).status_code == 404
    assert (await client.head("/text")).status_code == 405


async def test_a_method_that_a_path_does_not_have_is_told_those_that_it_has(client: httpx.AsyncClient) -> None:
    assert (await client.post("/health")).headers["allow"] == "GET, HEAD"
    assert (await client.get("/text")).headers["allow"] == "PUT"


async def test_an_unexpected_error_is_a_problem_document_and_the_log_has_its_place_without_its_text(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert is_problem(await client.get("/bug", params={"token": "secret"}), 500)
    assert "an HTTP request failed method=GET error=LookupError" in caplog.text
    assert " bug\n" in caplog.text
    assert CUSTOMER not in caplog.text
    assert "secret" not in caplog.text


@cases("raw", ["%00", "a%00b", "%ff", "%ED%A0%80", "%C0%80"])
async def test_an_address_that_is_no_text_for_postgresql_is_answered_400(client: httpx.AsyncClient, raw: str) -> None:
    for path in (f"/greeting?x={raw}", f"/greeting?{raw}=x", f"/{raw}", f"/greeting/{raw}?x=1"):
        assert is_problem(await client.get(path), 400)


async def test_other_text_is_left_to_the_route(client: httpx.AsyncClient) -> None:
    for text in ("", "ä", "\U0001f600", "\x01", "\x7f", "%", "a&b", "a;b"):
        assert (await client.get(f"/greeting?x={quote(text)}")).status_code == 200


@cases("query", ["x=1&x=1", "x=1&x=2", "x&x", "x=&x=", "x=1&%78=2", "x=1&y=2&x=3"])
async def test_a_parameter_that_is_given_twice_is_answered_400(client: httpx.AsyncClient, query: str) -> None:
    assert is_problem(await client.get(f"/greeting?{query}"), 400)


async def test_headers_may_have_so_many_bytes_and_no_more(client: httpx.AsyncClient) -> None:
    request = client.build_request("GET", "/greeting", headers={"x": ""})
    taken = len(request.url.raw_path) + sum(len(name) + len(value) for name, value in request.headers.raw)
    room = limits.HEADER_BYTES - taken
    assert (await client.get("/greeting", headers={"x": "a" * room})).status_code == 200
    assert is_problem(await client.get("/greeting", headers={"x": "a" * (room + 1)}), 431)
    assert is_problem(await client.get("/greeting?" + "a" * limits.HEADER_BYTES), 431)


async def test_an_empty_place_in_a_list_is_its_beginning(client: httpx.AsyncClient) -> None:
    answer = await client.get("/query?state=&after=&limit=5&thereafter=")
    assert answer.text == "state=&limit=5&thereafter="
    assert (await client.get("/query?after=a%3D")).text == "after=a%3D"


def wanted(size: int) -> bytes:
    """A body of exactly so many bytes."""
    return b'{"text":"' + b"a" * (size - 11) + b'"}'


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Without a length that is known before."""
    for begin in range(0, len(body), 10_000):
        yield body[begin : begin + 10_000]


@pytest.mark.parametrize("pieces", [False, True], ids=["with its length", "without"])
async def test_a_body_may_have_so_many_bytes_and_no_more(client: httpx.AsyncClient, pieces: bool) -> None:
    async def put(size: int, path: str = "/text", **headers: str) -> httpx.Response:
        body: Any = in_pieces(wanted(size)) if pieces else wanted(size)
        return await client.put(path, content=body, headers={"content-type": "application/json"} | headers)

    assert (await put(limits.BODY_BYTES)).json() == limits.BODY_BYTES - 11
    assert is_problem(await put(limits.BODY_BYTES + 1), 413)
    assert (await put(limits.BODY_BYTES, "/owned")).status_code == 401
    assert (await put(limits.BODY_BYTES + 1, "/owned")).status_code == (401 if pieces else 413)
    assert is_problem(await put(limits.BODY_BYTES + 1, "/owned", **bearer("acc-1")), 413)


@cases("body", [b"", b"{", b"\xff", b'{"text":"\\ud800}', b"[" * 60_000, b'{"text": NaN}', b"null"])
async def test_a_body_that_is_not_what_it_should_be_is_a_problem_document(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.put("/text", content=body, headers={"content-type": "application/json"})
    assert is_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


@pytest.mark.slow
@pytest.mark.usefixtures("one_window")
async def test_an_address_has_its_rate_and_the_probes_another(unused_tcp_port: int) -> None:
    async with application(service_context(unused_tcp_port, http_rate_per_address=1)) as app:
        async with client_of(app) as client:
            for _ in range(limits.RATE_SECONDS):
                assert (await client.get("/greeting")).status_code == 200
            refused = await client.get("/greeting")
            assert is_problem(refused, 429)
            assert refused.headers["retry-after"] == "1"
            assert (await client.get("/owned")).status_code == 429
            assert (await client.get("/health")).status_code == 200
        for other, status in {"127.0.0.2": 200, "::ffff:127.0.0.1": 429, "2001:db8::1": 200}.items():
            async with client_of(app, other) as client:
                assert (await client.get("/greeting")).status_code == status


@pytest.mark.usefixtures("one_window")
async def test_ipv6_addresses_of_one_network_count_as_one(unused_tcp_port: int) -> None:
    async with application(service_context(unused_tcp_port, http_rate_per_address=1)) as app:
        statuses = []
        for number in range(limits.RATE_SECONDS + 1):
            async with client_of(app, f"2001:db8:0:{number}::1") as client:
                statuses.append((await client.get("/greeting")).status_code)
        assert statuses == [200] * limits.RATE_SECONDS + [429]
        async with client_of(app, "2001:db8:0:100::1") as client:
            assert (await client.get("/greeting")).status_code == 200


async def test_answers_are_counted_by_status_from_zero_on(client: httpx.AsyncClient) -> None:
    before = (await client.get("/metrics")).text.splitlines()
    for status in (200, 400, 401, 404, 408, 413, 429, 431, 500, 503):
        assert f'tenure_http_answers_total{{status="{status}"}} 0.0' in before
    await client.get("/bug")
    assert 'tenure_http_answers_total{status="500"} 1.0' in (await client.get("/metrics")).text.splitlines()
