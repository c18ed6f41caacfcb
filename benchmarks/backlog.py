"""`python -m benchmarks backlog`: the most memory of the subscription service while very many events wait for it.

The topics hold purchases and servers of new customers before the service starts. A target that was missed is shown,
and is no failure.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import described, machine
from benchmarks.resource_usage import peak_bytes
from benchmarks.runs import OUR_PYTHON, connected, running, until_published
from benchmarks.servers import Workspace, running_servers, subscription_service
from benchmarks.standalone import run_standalone
from benchmarks.workload import Workload

RESULTS: Final = Path("build/backlog.json")
WANTED_MB: Final = 150
_PART: Final = 50_000


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks backlog", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many wait; a million takes some minutes")
    options = parser.parse_args(arguments)
    return run_standalone(partial(_measure, events=options.events), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, events: int) -> dict[str, Any]:
    async with running_servers(folder) as servers:
        workspace = await servers.workspace("backlog")
        await _fill(workspace, events)
        async with running(subscription_service(workspace, OUR_PYTHON)) as part, connected(workspace) as connection:
            await part.until_ready()
            began = time.perf_counter()
            await until_published(connection, events, part)
            seconds, peak = time.perf_counter() - began, peak_bytes(part)
    return {
        "machine": machine(),
        "events": events,
        "seconds_from_ready": round(seconds, 1),
        "peak_memory_mb": round(peak / 1e6),
    }


async def _fill(workspace: Workspace, events: int) -> None:
    """In parts, since a million messages at once would take gigabytes here."""
    messages = islice(Workload(2 * events, datetime.now(UTC)).existing_customers(), events)
    while part := list(islice(messages, _PART)):
        await workspace.publish(part)


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{described(found['machine'])} Load average {found['machine']['load']}.")
    print(f"{found['events']:,} events wait: {found['peak_memory_mb']} MB at most; wanted: under {WANTED_MB} MB")
    print(f"drained within {found['seconds_from_ready']} s from ready on")
