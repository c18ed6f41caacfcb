"""One run of one pipeline: fill the topics, start the process, take the time, audit what came out, end the process.

The time of a drain begins when the process has its partitions and reads on (its rows in `input_offset` appear), and
ends when the last record that follows from the input can be seen by a `read_committed` reader; start-up is left out.
The usual way keeps no positions, so its time begins, in its favour, with its first record out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import psutil

from benchmarks import audit
from benchmarks.bare import Fillers
from benchmarks.environment import Environment, Loop, Place, service
from benchmarks.events import Message, Workload
from benchmarks.latency import Latency, measure
from benchmarks.prefill import prefill
from benchmarks.reading import Reader, Seen
from shared.contracts.topics import LIFECYCLE, STATE
from tenure.local.part import Part

_WITHIN_SECONDS = 900
_LOOK_SECONDS = 0.01

_READ = "SELECT count(*), coalesce(sum(next_offset), 0) FROM input_offset"
_BEHIND = "SELECT coalesce(sum(next_sequence - 1), 0), coalesce(sum(next_sequence - 1 - published), 1)" + (
    " FROM output_partition LEFT JOIN relay_position USING (topic, partition)"
)
_DUE = "SELECT count(*) FROM account WHERE next_due_at <= now()"
_TYPICAL = (
    "SELECT convert_from(value, 'UTF8') FROM log WHERE topic = $1"
    " ORDER BY abs(length(value) - (SELECT avg(length(value)) FROM log WHERE topic = $1)) LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How one run went; `seconds` from the first read to the last record out."""

    events: int
    seconds: float
    cpu_seconds: float | None
    lifecycle: int
    state: int
    bytes_out: int
    findings: Sequence[str]
    latency: Latency | None = None

    @property
    def rate(self) -> float:
        """Events in a second."""
        return self.events / self.seconds


async def prepare(environment: Environment, work: Workload) -> Place:
    """The place that all runs are copies of: the standing customers have subscribed."""
    place = await environment.place("prepared")
    sent = await prefill(place, work.standing())
    async with running(service(place)) as part, Reader(place).reading() as seen:
        await part.until_ready()
        async with connected(place) as connection:
            await _drained(connection, len(sent), part)
            await _until_seen(connection, seen)
    await environment.forget_the_past(place)
    return place


async def tenure(environment: Environment, work: Workload, prepared: Place, singles: int) -> tuple[Drained, Fillers]:
    """The real service; then, while it has nothing else to do, the latency of single events."""
    place = await environment.place("tenure", prepared)
    sent = await prefill(place, work.mixed())
    async with running(service(place)) as part, connected(place) as connection:
        reader = Reader(place)
        async with reader.reading() as seen:
            taken = await _drain(connection, len(sent), part, seen)
        findings = await audit.of_the_service(connection, sent, seen)
        fillers = await _fillers(connection)
        await part.until_ready()
        latency = await measure(place, singles)
    await environment.drop(place)
    return _result(sent, taken, seen, findings, latency), fillers


async def bare(environment: Environment, work: Workload, prepared: Place, fillers: Fillers) -> Drained:
    """The same writes without logic."""
    place = await environment.place("bare", prepared)
    sent = await prefill(place, work.mixed())
    file = place.folder / "fillers.json"
    fillers.write(file)
    async with running(Loop("benchmarks.bare", place, str(file))) as part, connected(place) as connection:
        async with Reader(place).reading() as seen:
            taken = await _drain(connection, len(sent), part, seen)
        findings = await audit.of_the_bare_loop(connection, sent, seen)
    await environment.drop(place)
    return _result(sent, taken, seen, findings)


async def usual(environment: Environment, work: Workload) -> Drained:
    """One session, commit and publish for each message."""
    place = await environment.place("usual")
    sent = await prefill(place, work.mixed())
    async with running(Loop("benchmarks.usual", place)) as part, Reader(place).reading() as seen:
        async with asyncio.timeout(_WITHIN_SECONDS):
            while len(seen) < len(sent):
                _must_run(part)
                await asyncio.sleep(0.1)
    await environment.drop(place)
    return _result(sent, (seen.last_at - (seen.first_at or 0), None), seen, ())


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[Part]:
    """Started without waiting for its answer; stopped in the end."""
    part.folder.mkdir(exist_ok=True)
    await part.prepare()
    part.spawn()
    try:
        yield part
    finally:
        await part.stop()


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees the service's schema."""
    connection = await asyncpg.connect(place.database_url, server_settings={"search_path": "subscription"})
    try:
        yield connection
    finally:
        await connection.close()


async def _drain(connection: asyncpg.Connection, count: int, part: Part, seen: Seen) -> tuple[float, float]:
    """Seconds from the first read until the last record of the log was seen; and of the process's own CPU time."""
    async with asyncio.timeout(_WITHIN_SECONDS):
        while not (await connection.fetchrow(_READ))[0]:
            _must_run(part)
            await asyncio.sleep(_LOOK_SECONDS)
    began, cpu = time.perf_counter(), _cpu_seconds(part)
    await _drained(connection, count, part)
    spent = _cpu_seconds(part) - cpu
    await _until_seen(connection, seen)
    return seen.last_at - began, spent


def _cpu_seconds(part: Part) -> float:
    times = psutil.Process(part.pid).cpu_times()
    return float(times.user + times.system)


async def _drained(connection: asyncpg.Connection, count: int, part: Part) -> None:
    """Everything was read, nothing is due any more, everything was published."""
    async with asyncio.timeout(_WITHIN_SECONDS):
        while not await _all_out(connection, count):
            _must_run(part)
            await asyncio.sleep(0.05)


async def _all_out(connection: asyncpg.Connection, count: int) -> bool:
    read = (await connection.fetchrow(_READ))[1] >= count
    return read and not await connection.fetchval(_DUE) and not (await connection.fetchrow(_BEHIND))[1]


async def _until_seen(connection: asyncpg.Connection, seen: Seen) -> None:
    """All of the log has come to the reader; a moment longer, for what should not come."""
    async with asyncio.timeout(60):
        while len(seen) < (await connection.fetchrow(_BEHIND))[0]:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)


async def _fillers(connection: asyncpg.Connection) -> Fillers:
    """What the service wrote, of typical length."""
    account = await connection.fetchrow(
        "SELECT contact, subscription FROM account WHERE subscription IS NOT NULL AND contact IS NOT NULL"
        " ORDER BY abs(length(subscription::text) - (SELECT avg(length(subscription::text)) FROM account)) LIMIT 1"
    )
    return Fillers(
        lifecycle=await connection.fetchval(_TYPICAL, LIFECYCLE),
        state=await connection.fetchval(_TYPICAL, STATE),
        subscription=account["subscription"],
        contact=account["contact"],
        marks=await connection.fetchval("SELECT marks FROM server LIMIT 1"),
        specification=await connection.fetchval(
            "SELECT specification FROM order_entry WHERE specification IS NOT NULL LIMIT 1"
        ),
    )


def _must_run(part: Part) -> None:
    if part.exit_code is not None:
        raise RuntimeError(f"{part.name} ended with {part.exit_code}.\n{part.log_tail()}")


def _result(
    sent: Sequence[Message],
    taken: tuple[float, float | None],
    seen: Seen,
    findings: Sequence[str],
    latency: Latency | None = None,
) -> Drained:
    return Drained(
        events=len(sent),
        seconds=taken[0],
        cpu_seconds=taken[1],
        lifecycle=len(seen.records[LIFECYCLE]),
        state=len(seen.records[STATE]),
        bytes_out=sum(len(record.value) for records in seen.records.values() for record in records),
        findings=findings,
        latency=latency,
    )
