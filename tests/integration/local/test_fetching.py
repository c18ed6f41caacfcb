"""Fetching Kafka's jars from a mirror that sends a byte now and then, or is not there."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenure.local.jars import class_path
from tenure.local.part import PartFailed

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


class Mirror:
    """Answers each request with a byte now and then."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        self.asked.set()
        while not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        writer.close()


@pytest.fixture
async def mirror() -> AsyncIterator[tuple[Mirror, int]]:
    made = Mirror()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, server.sockets[0].getsockname()[1]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tenure" / "jars"


def use_mirror(home: Path, port: int) -> None:
    (home / ".jgorc").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}/\n")


async def test_a_start_that_is_ended_does_not_wait_for_a_mirror_that_trickles(
    mirror: tuple[Mirror, int], cache: Path, tmp_path: Path
) -> None:
    answers, port = mirror
    use_mirror(tmp_path, port)
    said: list[str] = []
    fetching = asyncio.create_task(class_path(said.append))
    await asyncio.wait_for(answers.asked.wait(), 60)
    fetching.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([fetching])
    assert (fetching.cancelled(), list(cache.iterdir())) == (True, [])
    assert said == ["fetching Apache Kafka 4.3.1: 46 files, once"]


async def test_a_mirror_that_is_not_there_is_said_with_the_file_that_could_not_be_fetched(
    cache: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        use_mirror(tmp_path, closed.getsockname()[1])
    with pytest.raises(PartFailed, match=r"^\S+ could not be fetched: .*Run it again: what has come is kept\.$"):
        await class_path(lambda _: None)
    assert list(cache.iterdir()) == []
