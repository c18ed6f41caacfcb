"""Fetching from somebody else: whatever is answered, it ends in time, and what is no whole answer is an error."""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from threading import Thread
from urllib.request import Request

import pytest

from shared.web.fetching import Fetched, fetch
from tenure.http_answers import NoAnswer, get
from tests.kit.cases import cases
from tests.kit.waiting import BUSY

SECONDS = 0.1
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(parts: Iterable[bytes]) -> Iterator[str]:
    """The address of a server that answers one request with these parts, and pauses after each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=answer, args=(server, parts), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/page"


def answer(server: socket.socket, parts: Iterable[bytes]) -> None:
    with suppress(OSError), server.accept()[0] as connection:
        connection.recv(10_000)
        for part in parts:
            connection.sendall(part)
            time.sleep(SECONDS / 10)


@cases(
    "parts",
    [
        repeat(b"H"),
        chain([OK], repeat(b"X-More: yes\r\n")),
        chain([OK, b"\r\n"], repeat(b"x")),
        chain([OK, b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\nx\r\n")),
        chain([b"HTTP/1.1 500 Trouble\r\n\r\n"], repeat(b"x")),
        chain([b"HTTP/1.1 302 Found\r\nLocation: /page\r\n\r\n"], repeat(b"x")),
    ],
)
def test_a_server_that_sends_without_end_holds_nobody_longer_than_the_limit(parts: Iterable[bytes]) -> None:
    with answering(parts) as url:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            fetch(Request(url), seconds=SECONDS)
        assert time.monotonic() - began < SECONDS + BUSY


@cases(
    "answered",
    [
        b"SSH-2.0-OpenSSH\r\n",
        OK + b"Content-Length: 7\r\n\r\n123",
        OK + b"Transfer-Encoding: chunked\r\n\r\n7\r\n123",
        OK + b"Content-Length: 11\r\n\r\n12345678901",
        b"",
    ],
)
def test_what_is_no_whole_answer_of_the_size_that_is_taken_is_an_error(answered: bytes) -> None:
    with answering([answered]) as url, pytest.raises(OSError):  # noqa: PT011 - the class is the contract
        fetch(Request(url), seconds=10, most_bytes=10)


def test_an_answer_that_is_an_error_is_an_answer() -> None:
    with answering([b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n123"]) as url:
        assert fetch(Request(url), seconds=10) == Fetched(404, b"123")


@cases(
    ("answered", "sentence"),
    [
        (
            b"SSH-2.0-OpenSSH\r\n",
            "the service at {url} did not answer: what answers does not speak HTTP (BadStatusLine)",
        ),
        (b"HTTP/1.1 599 Odd\r\n\r\n", "the service answered 599"),
        (OK + b"\r\n[1]", "what answers at {url} is not the service"),
        (OK + b"Content-Length: 7\r\n\r\n{", "the service at {url} did not answer: the answer breaks off"),
    ],
)
def test_a_command_says_in_a_sentence_what_answers_in_the_place_of_a_service(answered: bytes, sentence: str) -> None:
    with answering([answered]) as url, pytest.raises(NoAnswer) as trouble:
        get(url, {}, service="the service")
    assert str(trouble.value) == sentence.format(url=url)
