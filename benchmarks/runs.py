"""One run of one pipeline: fill the topics, start the process, see what it spends, audit what came out, end it.

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
from typing import Final

import asyncpg

from benchmarks import audit, resource_usage
from benchmarks.bare_loop.texts import TypicalTexts, typical_texts
from benchmarks.latency import WARM_UP, Answers, Latency, measure_latency, send_paced
from benchmarks.output import Output, reading_output
from benchmarks.resource_usage import ResourceUsage
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

    `lifecycle`, `state`: records out; `findings`: what the audit found; `latency`: of single events; `half_load`:
    latency while half as many events come as the run has drained; `alone_cpu_seconds`: of one of those single events;
    `texts`: for the bare loops.
    """

    events: int
    spent: ResourceUsage
    lifecycle: int
    state: int
    bytes_out: int
    findings: Sequence[str] = ()
    latency: Latency | None = None
    half_load: Latency | None = None
    alone_cpu_seconds: float = 0.0
    texts: TypicalTexts | None = None

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.spent.seconds


async def prepare(servers: Servers, work: Workload, *, python: Path = OUR_PYTHON) -> Workspace:
    """The workspace of which all runs of this installation are copies: the existing customers have subscribed."""
    workspace = await servers.workspace("prepared")
    sent = await workspace.publish(work.existing_customers())
    async with running(subscription_service(workspace, python)) as part, reading_output(workspace) as output:
        await part.until_ready()
        async with connected(workspace) as connection:
            await until_published(connection, len(sent), part)
            await until_received(connection, output)
    await servers.make_template(workspace)
    return workspace


async def tenure(
    servers: Servers, work: Workload, prepared: Workspace, latency_events: int = 0, *, python: Path = OUR_PYTHON
) -> RunResult:
    """The real service: a backlog; then half load, where the workload has paced events; then single events."""
    workspace = await servers.workspace("tenure", prepared)
    backlog, paced = work.backlog_and_paced()
    await workspace.publish(backlog)
    answers = Answers(workspace)
    async with running(subscription_service(workspace, python)) as part, connected(workspace) as connection:
        async with reading_output(workspace, answers.on_record) as output:
            spent = await _measure(connection, work.count, part, output)
            result = _result(backlog, spent._replace(kafka_bytes=servers.published_bytes(workspace)), output)
            if paced:
                sent_at = await send_paced(workspace, paced, per_second=result.rate / 2)
                await until_published(connection, work.count + work.paced, part)
                await until_received(connection, output)
                result = replace(result, half_load=answers.latency(sent_at))
        findings = await audit.of_the_service(connection, [*backlog, *paced], output)
        result = replace(result, findings=findings, texts=await typical_texts(connection, output))
        if latency_events:
            await part.until_ready()
            cpu = resource_usage.cpu_seconds(part.pid)
            latency = await measure_latency(workspace, latency_events)
            cpu = resource_usage.cpu_seconds(part.pid) - cpu
            result = replace(result, latency=latency, alone_cpu_seconds=cpu / (latency_events + WARM_UP))
    await servers.drop(workspace)
    return result


async def bare(servers: Servers, work: Workload, prepared: Workspace, design: str, texts: TypicalTexts) -> RunResult:
    """The same writes without logic; `design`: one of `benchmarks.bare_loop.designs`."""
    workspace = await servers.workspace("bare", prepared)
    backlog, _ = work.backlog_and_paced()
    await workspace.publish(backlog)
    file = workspace.folder / "texts.json"
    texts.write(file)
    loop = LoopProcess("benchmarks.bare", workspace, design, str(file))
    async with running(loop) as part, connected(workspace) as connection:
        async with reading_output(workspace) as output:
            spent = await _measure(connection, work.count, part, output)
        spent = spent._replace(kafka_bytes=servers.published_bytes(workspace))
        findings = await audit.of_the_bare_loop(connection, backlog, output)
    await servers.drop(workspace)
    return replace(_result(backlog, spent, output), findings=findings)


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
    return _result(sent, ResourceUsage(output.last_at - (output.first_at or 0)), output)


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


async def _measure(connection: asyncpg.Connection, count: int, part: Part, output: Output) -> ResourceUsage:
    """From the first read until the last record of the log arrived."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not (await connection.fetchrow(_READ))[0]:
            _check_running(part)
            await asyncio.sleep(_START_POLL_SECONDS)
    began, cpu = time.perf_counter(), resource_usage.cpu_seconds(part.pid)
    wal = await resource_usage.wal_bytes(connection)
    await until_published(connection, count, part)
    cpu, wal = resource_usage.cpu_seconds(part.pid) - cpu, await resource_usage.wal_bytes(connection) - wal
    await until_received(connection, output)
    return ResourceUsage(output.last_at - began, cpu, wal, peak_bytes=resource_usage.peak_bytes(part))


async def until_published(connection: asyncpg.Connection, count: int, *parts: Part) -> None:
    """Wait until everything was read, nothing is due any more, and everything was published."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not await _is_published(connection, count):
            for part in parts:
                _check_running(part)
            await asyncio.sleep(_POLL_SECONDS)


async def _is_published(connection: asyncpg.Connection, count: int) -> bool:
    read = (await connection.fetchrow(_READ))[1] >= count
    return read and not await connection.fetchval(_DUE) and not (await connection.fetchrow(_PUBLISHED))[1]


async def until_received(connection: asyncpg.Connection, output: Output) -> None:
    """Wait until the reader has all of the log, and a second longer, for what should not come.

    State documents, of which some are passed over, are published with the others.
    """
    async with asyncio.timeout(60):
        while len(output) - len(output.records[STATE]) < await connection.fetchval(_ENTRIES):
            await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(1)


def _check_running(part: Part) -> None:
    if part.exit_code is not None:
        raise RuntimeError(f"{part.name} ended with {part.exit_code}.\n{part.log_tail()}")


def _result(sent: Sequence[Message], spent: ResourceUsage, output: Output) -> RunResult:
    return RunResult(
        events=len(sent),
        spent=spent,
        lifecycle=len(output.records[LIFECYCLE]),
        state=len(output.records[STATE]),
        bytes_out=sum(len(record.value) for records in output.records.values() for record in records),
    )
