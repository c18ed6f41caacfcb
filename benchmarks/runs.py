"""One run of one pipeline: fill the topics, start the process, take the time, audit what came out, end the process.

The time of a run begins when the process has its partitions and reads on (its rows in `input_offset` appear), and
ends when the last record that follows from the input can be seen by a `read_committed` reader; start-up is left out.
The usual way stores no positions, so its time begins, in its favour, with its first record out.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Final

import asyncpg
import psutil

from benchmarks import audit
from benchmarks.bare import TypicalTexts
from benchmarks.latency import Latency, measure_latency
from benchmarks.output import Output, reading_output
from benchmarks.servers import LoopProcess, Servers, Workspace, subscription_service
from benchmarks.workload import Message, Workload
from shared.contracts.topics import LIFECYCLE, STATE
from tenure.local.part import Part

OUR_PYTHON: Final = Path(sys.executable)
_LONGEST_SECONDS: Final = 900
_START_POLL_SECONDS: Final = 0.01
_POLL_SECONDS: Final = 0.05

_READ = "SELECT count(*), coalesce(sum(next_offset), 0) FROM input_offset"
_PUBLISHED = "SELECT coalesce(sum(next_sequence - 1), 0), coalesce(sum(next_sequence - 1 - published), 1)" + (
    " FROM output_partition LEFT JOIN relay_position USING (topic, partition)"
)
_ENTRIES = "SELECT coalesce(sum(next_sequence - 1), 0) FROM output_partition WHERE topic <> 'subscription-state'"
_DUE = "SELECT count(*) FROM account WHERE next_due_at <= now()"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How one run went.

    `seconds`: from the first read to the last record out; `cpu_seconds`: the process's own, user and system;
    `lifecycle`, `state`: records out; `findings`: what the audit found; `texts`: for the bare pipeline.
    """

    events: int
    seconds: float
    cpu_seconds: float | None
    lifecycle: int
    state: int
    bytes_out: int
    findings: Sequence[str]
    latency: Latency | None = None
    texts: TypicalTexts | None = None

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


async def prepare(servers: Servers, work: Workload, *, python: Path = OUR_PYTHON) -> Workspace:
    """The workspace of which all runs of this installation are copies: the existing customers have subscribed."""
    workspace = await servers.workspace("prepared")
    sent = await workspace.publish(work.existing_customers())
    async with running(subscription_service(workspace, python)) as part, reading_output(workspace) as output:
        await part.until_ready()
        async with connected(workspace) as connection:
            await _until_published(connection, len(sent), part)
            await _until_received(connection, output)
    await servers.make_template(workspace)
    return workspace


async def tenure(
    servers: Servers, work: Workload, prepared: Workspace, latency_events: int, *, python: Path = OUR_PYTHON
) -> RunResult:
    """The real service; then, while it has nothing else to do, the latency of single events."""
    workspace = await servers.workspace("tenure", prepared)
    sent = await workspace.publish(work.mixed())
    async with running(subscription_service(workspace, python)) as part, connected(workspace) as connection:
        async with reading_output(workspace) as output:
            times = await _measure(connection, len(sent), part, output)
        findings = await audit.of_the_service(connection, sent, output)
        texts = await _typical_texts(connection, output)
        await part.until_ready()
        latency = await measure_latency(workspace, latency_events)
    await servers.drop(workspace)
    return replace(_result(sent, times, output, findings), latency=latency, texts=texts)


async def bare(servers: Servers, work: Workload, prepared: Workspace, texts: TypicalTexts) -> RunResult:
    """The same writes without logic."""
    workspace = await servers.workspace("bare", prepared)
    sent = await workspace.publish(work.mixed())
    file = workspace.folder / "texts.json"
    texts.write(file)
    loop = LoopProcess("benchmarks.bare", workspace, str(file))
    async with running(loop) as part, connected(workspace) as connection:
        async with reading_output(workspace) as output:
            times = await _measure(connection, len(sent), part, output)
        findings = await audit.of_the_bare_loop(connection, sent, output)
    await servers.drop(workspace)
    return _result(sent, times, output, findings)


async def usual(servers: Servers, work: Workload) -> RunResult:
    """One session, commit and publish for each message."""
    workspace = await servers.workspace("usual")
    sent = await workspace.publish(work.mixed())
    async with running(LoopProcess("benchmarks.usual", workspace)) as part, reading_output(workspace) as output:
        async with asyncio.timeout(_LONGEST_SECONDS):
            while len(output) < len(sent):
                _check_running(part)
                await asyncio.sleep(_POLL_SECONDS)
    await servers.drop(workspace)
    return _result(sent, (output.last_at - (output.first_at or 0), None), output)


@asynccontextmanager
async def running(part: Part) -> AsyncIterator[Part]:
    """The part, started but perhaps not ready; stopped at the end."""
    part.folder.mkdir(exist_ok=True)
    await part.prepare()
    part.spawn()
    try:
        yield part
    finally:
        await part.stop()


@asynccontextmanager
async def connected(workspace: Workspace) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the service's schema."""
    connection = await asyncpg.connect(workspace.database_url, server_settings={"search_path": "subscription"})
    try:
        yield connection
    finally:
        await connection.close()


async def _measure(connection: asyncpg.Connection, count: int, part: Part, output: Output) -> tuple[float, float]:
    """Seconds from the first read until the last record of the log arrived; seconds of the process's own CPU time."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not (await connection.fetchrow(_READ))[0]:
            _check_running(part)
            await asyncio.sleep(_START_POLL_SECONDS)
    began, cpu = time.perf_counter(), _cpu_seconds(part)
    await _until_published(connection, count, part)
    spent = _cpu_seconds(part) - cpu
    await _until_received(connection, output)
    return output.last_at - began, spent


def _cpu_seconds(part: Part) -> float:
    times = psutil.Process(part.pid).cpu_times()
    return float(times.user + times.system)


async def _until_published(connection: asyncpg.Connection, count: int, part: Part) -> None:
    """Wait until everything was read, nothing is due any more, and everything was published."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not await _is_published(connection, count):
            _check_running(part)
            await asyncio.sleep(_POLL_SECONDS)


async def _is_published(connection: asyncpg.Connection, count: int) -> bool:
    read = (await connection.fetchrow(_READ))[1] >= count
    return read and not await connection.fetchval(_DUE) and not (await connection.fetchrow(_PUBLISHED))[1]


async def _until_received(connection: asyncpg.Connection, output: Output) -> None:
    """Wait until the reader has all of the log, and a second longer, for what should not come.

    State documents, of which some are passed over, are published with the others.
    """
    async with asyncio.timeout(60):
        while len(output) - len(output.records[STATE]) < await connection.fetchval(_ENTRIES):
            await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(1)


async def _typical_texts(connection: asyncpg.Connection, output: Output) -> TypicalTexts:
    """What the service wrote, of typical length."""
    account = await connection.fetchrow(
        "SELECT contact, subscription FROM account WHERE subscription IS NOT NULL AND contact IS NOT NULL"
        " ORDER BY abs(length(subscription::text) - (SELECT avg(length(subscription::text)) FROM account)) LIMIT 1"
    )
    return TypicalTexts(
        lifecycle=_typical(output, LIFECYCLE),
        state=_typical(output, STATE),
        subscription=account["subscription"],
        contact=account["contact"],
        server_versions=await connection.fetchval("SELECT marks FROM server LIMIT 1"),
        specification=await connection.fetchval(
            "SELECT specification FROM order_entry WHERE specification IS NOT NULL LIMIT 1"
        ),
    )


def _typical(output: Output, topic: str) -> str:
    """The published text whose length is nearest to the average."""
    values: list[bytes] = [record.value for record in output.records[topic]]
    average = fmean(map(len, values))
    return min(values, key=lambda value: abs(len(value) - average)).decode()


def _check_running(part: Part) -> None:
    if part.exit_code is not None:
        raise RuntimeError(f"{part.name} ended with {part.exit_code}.\n{part.log_tail()}")


def _result(
    sent: Sequence[Message], times: tuple[float, float | None], output: Output, findings: Sequence[str] = ()
) -> RunResult:
    return RunResult(
        events=len(sent),
        seconds=times[0],
        cpu_seconds=times[1],
        lifecycle=len(output.records[LIFECYCLE]),
        state=len(output.records[STATE]),
        bytes_out=sum(len(record.value) for records in output.records.values() for record in records),
        findings=findings,
    )
