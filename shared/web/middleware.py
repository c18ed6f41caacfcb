"""What every request passes before it reaches a route, from the outside in; plain ASGI.

`ProtectiveHeaders`: headers of every answer. `ErrorAnswers`: every error becomes a problem document. `HeadAsGet`:
`HEAD` works wherever `GET` does. `RequestLimits`: rate, well-formed address, size of headers and body, before it is
asked who calls.
"""

import asyncio
from collections import Counter as CountOf
from collections.abc import Callable, Mapping
from http import HTTPMethod, HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.log_lines import REQUEST_FAILED
from shared.web import limits
from shared.web.problems import Problem, problem_response
from shared.web.rate_limits import RateLimit, network_of

PROTECTIVE_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Answers hold personal data and addresses may hold a token: nothing is cached, guessed, embedded, loaded or told on.

A page that needs more sets its own `Content-Security-Policy`.
"""
_METHODS: Final = frozenset(HTTPMethod)
_PROBES: Final = ("/health", "/ready")
_LARGER_BODIES: Final = {"bounces": limits.BOUNCE_BYTES, "try": limits.TRY_BYTES}
"""Last part of the path -> the largest body."""


class ProtectiveHeaders:
    """Adds `PROTECTIVE_HEADERS` where an answer does not set them itself, and reports the status of each answer."""

    def __init__(self, app: ASGIApp, count_answer: Callable[[int], None]) -> None:
        self._app = app
        self._count_answer = count_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count_answer(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in PROTECTIVE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ErrorAnswers:
    """Answers a `Problem` that no route has raised, and every unexpected error, which is logged without its values."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_notice(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_notice)
        except Exception as error:  # noqa: BLE001 - whatever a route raises is answered and logged
            problem = error if isinstance(error, Problem) else _unexpected(scope, error)
            if not started:  # otherwise the server closes the connection, since the answer has no end
                await problem_response(problem)(scope, receive, send)


class HeadAsGet:
    """A `HEAD` is handled as `GET`; the server leaves the body out. A stream ends with its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_without_body(message: Message) -> None:
            nonlocal ended
            if not ended:
                await send(message if message["type"] == "http.response.start" else _END)
                ended = message["type"] == "http.response.body"

        await self._app({**scope, "method": "GET"}, receive, send_without_body)


_END: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


class RequestLimits:
    """Raises `Problem`: 429, 400, 431, 413; a body without a length is counted while it is read.

    An empty `after` reaches no route.
    """

    def __init__(self, app: ASGIApp, rate: RateLimit) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._check_rate(scope)
            _check_address(scope)
            most = _LARGER_BODIES.get(scope["path"].rpartition("/")[2], limits.BODY_BYTES)
            _check_size(scope, most)
            scope["query_string"] = _given(scope["query_string"])
            receive = _limited(receive, most)
        await self._app(scope, receive, send)

    async def _check_rate(self, scope: Scope) -> None:
        """The probes are counted apart, so that a caller's requests never make the service look dead."""
        host = (scope.get("client") or ("unknown",))[0]
        try:
            await self._rate.count(network_of(host), "probe" if scope["path"] in _PROBES else "")
        except Problem:
            await asyncio.sleep(limits.REFUSAL_SECONDS)
            raise


def _check_address(scope: Scope) -> None:
    """Path and parameters must be text that PostgreSQL can store, each parameter given once."""
    for part in (scope["raw_path"], scope["query_string"]):
        raw = unquote_to_bytes(part)
        if b"\0" in raw or not _is_text(raw):
            raise Problem(HTTPStatus.BAD_REQUEST, "The address must be text in UTF-8 without NUL.")
    names = CountOf(name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if names and max(names.values()) > 1:
        raise Problem(HTTPStatus.BAD_REQUEST, "A parameter is given more than once.")


def _given(query: bytes) -> bytes:
    """The parameters but an empty place in a list: `after=` asks for the first page."""
    return b"&".join(part for part in query.split(b"&") if part != b"after=")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_size(scope: Scope, most_body: int) -> None:
    """The server refuses most of what is too large before; it takes larger headers that come in one piece."""
    size = len(scope["raw_path"]) + len(scope["query_string"])
    if size + sum(len(name) + len(value) for name, value in scope["headers"]) > limits.HEADER_BYTES:
        raise Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"At most {limits.HEADER_BYTES} bytes of headers.")
    if int(Headers(scope=scope).get("content-length", "0")) > most_body:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {most_body} bytes of body.")


def _limited(receive: Receive, most: int) -> Receive:
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:  # other errors than these count as a fault of the body, for the framework
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    return receive_within_limit


def _unexpected(scope: Scope, error: Exception) -> Problem:
    """The log gets the error's type and where it arose; message, address and method may hold what a caller wrote."""
    method = scope.get("method")
    REQUEST_FAILED.say(error, method=method if method in _METHODS else None)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected error, which is in the service's log.")
