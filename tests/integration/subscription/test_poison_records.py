"""What no client can decode, and what is small on the wire and huge inside, through a whole copy in its own process.

Its memory is measured: it stays within `MEMORY_BYTES`, whatever is sent. Neighbours are decided within seconds.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import httpx
import psutil
import pytest

from shared.contracts.topics import DEAD_LETTERS, PURCHASES
from shared.runtime.settings import Settings
from tests.integration.subscription.serving import World, outside
from tests.kit import http
from tests.kit.events import account, credit
from tests.kit.ports import free_port
from tests.kit.process import start
from tests.kit.raw_batches import produce_raw, raw_batch, raw_record
from tests.kit.waiting import eventually

MEMORY_BYTES: Final = 300 * 1024 * 1024
MEGABYTE: Final = 1024 * 1024
NEIGHBOUR_SECONDS: Final = 10.0


class Copy:
    """One copy as a process; remembers the most memory that it was seen to use."""

    def __init__(self, client: httpx.AsyncClient, process: "subprocess.Popen[bytes]") -> None:
        self.client = client
        self.peak_bytes = 0
        self._process = psutil.Process(process.pid)

    async def is_ready(self) -> bool:
        try:
            return (await self.client.get("/ready")).status_code == 200
        except httpx.TransportError:
            return False

    def look(self) -> None:
        self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


@contextmanager
def subscription_process(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    given = settings.model_dump(exclude_none=True, exclude_defaults=True)
    secrets = {name: getattr(settings, name).get_secret_value() for name in ("database_url", "auth_secret")}
    environment = {f"TENURE_{name.upper()}": str(value) for name, value in (given | secrets).items()}
    child = start([sys.executable, "-m", "subscription_service"], env=os.environ | environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[World, Copy]]:
    ours = settings.model_copy(update={"http_port": free_port(), "test_clock": None, "log_level": "error"})
    with subscription_process(ours) as child:
        async with http.client(base_url=f"http://{ours.http_host}:{ours.http_port}") as client:
            copy = Copy(client, child)
            await eventually(copy.is_ready)
            async with outside(ours) as world:
                yield world, copy


async def send(world: World, batch: bytes) -> None:
    await produce_raw(world.settings.kafka_bootstrap_servers, world.name(PURCHASES), batch)


async def neighbour_is_decided(world: World, copy: Copy, partition: int) -> None:
    """A credit that is sent now is in its account within seconds."""
    who = account()
    event = credit(who, "5.00", currency="USD")
    await world.publish(event, partition=partition)

    async def decided() -> bool:
        copy.look()
        return bool(await world.states(who))

    await eventually(decided, NEIGHBOUR_SECONDS)


async def reasons(world: World, count: int, copy: Copy) -> list[str]:
    async def found() -> list[Any]:
        copy.look()
        letters = await world.records(DEAD_LETTERS)
        return letters if len(letters) >= count else []

    letters = await eventually(found, 60)
    return [dict(letter.headers)["dead-letter-reason"].decode() for letter in letters]


@pytest.mark.rule("G4")
async def test_a_good_event_with_a_header_name_that_is_no_utf8_is_one_dead_letter(settings: Settings) -> None:
    async with running(settings) as (world, copy):
        who = account()
        await send(world, raw_batch(raw_record(0, b'{"a": 1}', [(b"\xff\xfe", b"x")], key=who.encode())))
        await neighbour_is_decided(world, copy, partition=0)
        await neighbour_is_decided(world, copy, partition=1)
        (letter,) = await world.records(DEAD_LETTERS)
        told = dict(letter.headers)
        assert (letter.key, letter.value) == (who.encode(), b'{"a": 1}')
        assert told["\\xff\\xfe"] == b"x"
        assert told["dead-letter-reason"] == b"invalid_data"
        assert b"expected a name in UTF-8" in told["dead-letter-detail"]


@pytest.mark.rule("G4", "G5")
async def test_what_is_huge_inside_needs_bounded_memory_and_its_neighbours_go_on(settings: Settings) -> None:
    huge = [
        raw_batch(raw_record(0, b"\0" * (17 * MEGABYTE)), codec="zstd"),
        raw_batch(raw_record(0, b"{}", [(b"h", b"\1" * (200 * MEGABYTE))]), codec="zstd"),
        raw_batch(raw_record(0, b"v" * (300 * MEGABYTE)), codec="zstd"),
        raw_batch(raw_record(0, b"v" * (150 * MEGABYTE)), codec="gzip"),
        raw_batch(*(raw_record(number, b"[" * 1_000_001) for number in range(300)), codec="zstd"),
    ]
    assert max(map(len, huge)) < MEGABYTE
    async with running(settings) as (world, copy):
        await neighbour_is_decided(world, copy, partition=1)
        for batch in huge:
            await send(world, batch)
        await neighbour_is_decided(world, copy, partition=1)
        await neighbour_is_decided(world, copy, partition=2)
        assert await reasons(world, 304, copy) == ["too_large"] * 304
        await neighbour_is_decided(world, copy, partition=0)
        assert await copy.is_ready()
        assert copy.peak_bytes < MEMORY_BYTES
