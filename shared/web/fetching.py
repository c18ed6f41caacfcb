"""One HTTP request of ours to somebody else, within a time and a size, whatever is answered.

`urllib`, as httpx and requests, limits each wait for the network alone, so a server that sends a byte now and then
holds its caller without end. Here every wait may take only what is left of the whole.
"""

import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

_CHUNK_BYTES: Final = 65_536


class Fetched(NamedTuple):
    """An answer, also one that is an error. `status`: HTTP's."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def fetch(request: Request, *, seconds: float, most_bytes: int | None = None, by_proxy: bool = False) -> Fetched:
    """The answer to a request by http or https. `by_proxy`: where the environment names one.

    Raises `OSError` where none comes whole within `seconds`, or one with a larger body, and `ValueError` for an address
    that is none. Blocks.
    """
    try:
        try:
            with _opener(time.monotonic() + seconds, by_proxy=by_proxy).open(request) as answer:
                return Fetched(answer.status, _body(answer, most_bytes))
        except HTTPError as error:
            with error:
                return Fetched(error.code, _body(error, most_bytes))
    except (OSError, ValueError):  # some are HTTPExceptions too
        raise
    except HTTPException as error:
        raise ConnectionError(f"what answers does not speak HTTP ({type(error).__name__})") from None


def _opener(until: float, *, by_proxy: bool) -> OpenerDirector:
    """`until`: on the monotonic clock."""
    opener = OpenerDirector()
    errors = (HTTPDefaultErrorHandler(), HTTPErrorProcessor(), HTTPRedirectHandler(), UnknownHandler())
    for handler in (_Handler(until), ProxyHandler(None if by_proxy else {}), *errors):
        opener.add_handler(handler)
    return opener


def _body(answer: Any, most_bytes: int | None) -> bytes:
    """`answer`: a response, or an error with one."""
    body = b""
    while chunk := answer.read(_CHUNK_BYTES):
        body += chunk
        if most_bytes is not None and len(body) > most_bytes:
            raise OSError(f"the answer has more than {most_bytes} bytes")
    if answer.length:  # of what was promised
        raise ConnectionError("the answer breaks off")
    return body


class _Handler(HTTPHandler, HTTPSHandler):
    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_connections(HTTPConnection, self._until), req)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_connections(HTTPSConnection, self._until), req)


def _connections(kind: type[HTTPConnection], until: float) -> Any:
    """What makes connections of this kind. Connecting and sending are single waits, each with the time that is left."""

    def connection(host: str, **options: Any) -> HTTPConnection:
        made = kind(host, **options | {"timeout": max(until - time.monotonic(), 0.001)})
        response: Callable[..., HTTPResponse] = partial(_Response, until)
        vars(made)["response_class"] = response
        return made

    return connection


class _Response(HTTPResponse):
    def __init__(self, until: float, sock: socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp.close()
        self.fp = BufferedReader(_Arriving(sock, until))


class _Arriving(RawIOBase):
    """What arrives at a socket. Raises `TimeoutError` once it is too late."""

    def __init__(self, sock: socket, until: float) -> None:
        super().__init__()
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer comes too slowly")
        self._sock.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()
