"""One run of cells side by side. A cell has topics, a database and any number of copies of the subscription service.

The backlogs lie on the topics in transactions that stay open until every copy has its partitions. The time of a run
goes from their commit until the last record that follows can be seen by a `read_committed` reader.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import asyncpg
import httpx
import psutil

from benchmarks import audit, runs
from benchmarks.output import Output, reading_output
from benchmarks.runs import OUR_PYTHON, connected, running
from benchmarks.servers import INPUTS, Backlog, Servers, Workspace, subscription_service
from benchmarks.workload import Workload
from tenure.local.service import Service
from tenure.story.metrics import assigned

_LONGEST_SECONDS: Final = 300
_POLL_SECONDS: Final = 0.05
_ACCOUNTED: Final = "SELECT coalesce(sum(count), 0) + (SELECT count(*) FROM waiting) FROM tally WHERE topic = ANY($1)"


class Cell(NamedTuple):
    """What a run begins with. `prepared`: a workspace of `servers` in which the customers of `work` have subscribed."""

    servers: Servers
    prepared: Workspace
    work: Workload
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsResult:
    """How one run went. `seconds`: from the commit of the backlogs to the last record out of the last cell.

    `cpu_seconds`: part (`copy-1`, `postgres`, `kafka`) -> processor time in all cells; `findings`: of the audit.
    """

    events: int
    seconds: float
    cpu_seconds: Mapping[str, float]
    findings: Sequence[str]

    @property
    def rate(self) -> float:
        """Events per second, of all cells together."""
        return self.events / self.seconds

    @property
    def cpu_us_per_event(self) -> float:
        """Microseconds of processor time, of copies and servers together."""
        return sum(self.cpu_seconds.values()) / self.events * 1e6


class _RunningCell(NamedTuple):
    servers: Servers
    copies: Sequence[Service]
    connection: asyncpg.Connection
    output: Output
    backlog: Backlog


async def prepared_cell(servers: Servers, work: Workload, *, copies: int = 1) -> Cell:
    """A cell whose existing customers have subscribed."""
    return Cell(servers, await runs.prepare(servers, work), work, copies)


async def drain(cells: Sequence[Cell]) -> CellsResult:
    """Let all cells work off their backlogs at once."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_running(cell)) for cell in cells]
        for cell in started:
            await _until_assigned(cell.copies)
        before, began = _cpu_seconds(started), time.perf_counter()
        await asyncio.gather(*(cell.backlog.release() for cell in started))
        await asyncio.gather(*(_until_published(cell) for cell in started))
        after = _cpu_seconds(started)
        findings = [finding for cell in started for finding in await _audited(cell)]
        return CellsResult(
            events=sum(len(cell.backlog.sent) for cell in started),
            seconds=max(cell.output.last_at for cell in started) - began,
            cpu_seconds={name: after[name] - before[name] for name in after},
            findings=findings,
        )


@asynccontextmanager
async def _running(cell: Cell) -> AsyncIterator[_RunningCell]:
    """Its backlog is on the topics, held back; its copies are started."""
    workspace = await cell.servers.workspace("cell", cell.prepared)
    async with AsyncExitStack() as stack:
        backlog = await stack.enter_async_context(workspace.held_back(cell.work.mixed()))
        copies = [subscription_service(workspace, OUR_PYTHON, name=f"copy-{n}") for n in range(1, cell.copies + 1)]
        for copy in copies:
            await stack.enter_async_context(running(copy))
        connection = await stack.enter_async_context(connected(workspace))
        output = await stack.enter_async_context(reading_output(workspace))
        yield _RunningCell(cell.servers, copies, connection, output, backlog)
    await cell.servers.drop(workspace)


async def _until_assigned(copies: Sequence[Service]) -> None:
    """Wait until all partitions are divided among the copies, each of which has some."""
    for copy in copies:
        await copy.until_ready()
    async with httpx.AsyncClient() as client, asyncio.timeout(_LONGEST_SECONDS):
        while True:
            pages = [await client.get(f"{copy.url}/metrics") for copy in copies]
            own = [assigned(page.text) for page in pages]
            if all(own) and len(set().union(*own)) == sum(map(len, own)):
                return
            await asyncio.sleep(_POLL_SECONDS)


async def _until_published(cell: _RunningCell) -> None:
    """Wait until every event is accounted for and everything that follows is published."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while await cell.connection.fetchval(_ACCOUNTED, INPUTS) < len(cell.backlog.sent):
            await asyncio.sleep(_POLL_SECONDS)
    await runs.until_published(cell.connection, len(cell.backlog.sent), *cell.copies)


async def _audited(cell: _RunningCell) -> Sequence[str]:
    await runs.until_received(cell.connection, cell.output)
    return await audit.of_the_service(cell.connection, cell.backlog.sent, cell.output)


def _cpu_seconds(cells: Sequence[_RunningCell]) -> Mapping[str, float]:
    """Processor time so far by the names of parts: of copies, of Kafka, of PostgreSQL with its sessions."""
    parts = {part.pid: part.name for cell in cells for part in (*cell.servers.parts, *cell.copies)}
    seconds: defaultdict[str, float] = defaultdict(float)
    for pid, name in parts.items():
        seconds[name] += _of_process(psutil.Process(pid))
    return seconds


def _of_process(process: psutil.Process) -> float:
    """User and system, with its children, also those that have ended."""
    own = sum(process.cpu_times()[:4])
    return float(own + sum(sum(child.cpu_times()[:2]) for child in process.children()))
