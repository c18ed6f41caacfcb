"""`python -m benchmarks backlog`: the most memory of the subscription service while very many events wait for it.

The topics hold purchases and servers of new customers before the service starts, which has made its tables at an
earlier start. Then the same for the log: its topics are made anew, as on another broker, and it is published from its
first entry. A target that was missed is shown, and is no failure.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.machine import described, machine
from benchmarks.resource_usage import peak_bytes
from benchmarks.runs import OUR_PYTHON, connected, running, until_published
from benchmarks.servers import OUTPUTS, Workspace, running_servers, subscription_service
from benchmarks.standalone import run_standalone
from benchmarks.workload import Workload
from shared.kafka import topics
from shared.kafka.client import admin_client
from shared.kafka.topics import name_of

RESULTS: Final = Path("build/backlog.json")
WANTED_MB: Final = 150
_PART: Final = 50_000
_UNTIL_DELETED_SECONDS: Final = 3
"""The broker answers before a topic is gone."""


class Drained(NamedTuple):
    """How long it took from ready on, and the most memory since the start of the process."""

    seconds: float
    peak_mb: int


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks backlog", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many wait; a million takes some minutes")
    options = parser.parse_args(arguments)
    return run_standalone(partial(_measure, events=options.events), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, events: int) -> dict[str, Any]:
    async with running_servers(folder) as servers:
        workspace = await servers.workspace("backlog")
        await _drained(workspace, 0)
        await _fill(workspace, events)
        decided = await _drained(workspace, events)
        await _empty_outputs(workspace)
        published = await _drained(workspace, events)
    return {"machine": machine(), "events": events, "decided": decided._asdict(), "published_anew": published._asdict()}


async def _drained(workspace: Workspace, events: int) -> Drained:
    """Run a service until all that waits is decided and published."""
    async with running(subscription_service(workspace, OUR_PYTHON)) as part, connected(workspace) as connection:
        await part.until_ready()
        began = time.perf_counter()
        await until_published(connection, events, part)
        return Drained(round(time.perf_counter() - began, 1), round(peak_bytes(part) / 1e6))


async def _empty_outputs(workspace: Workspace) -> None:
    """Nothing of the log is published any more."""
    settings = workspace.settings
    async with connected(workspace) as connection:
        await connection.execute("DELETE FROM relay_position")
    async with admin_client(settings) as admin:
        await admin.delete_topics([name_of(topic, settings) for topic in OUTPUTS])
    await asyncio.sleep(_UNTIL_DELETED_SECONDS)
    await topics.ensure(OUTPUTS, settings)


async def _fill(workspace: Workspace, events: int) -> None:
    """In parts, since a million messages at once would take gigabytes here."""
    messages = islice(Workload(2 * events, datetime.now(UTC)).existing_customers(), events)
    while part := list(islice(messages, _PART)):
        await workspace.publish(part)


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{described(found['machine'])} Load average {found['machine']['load']}.")
    for what, name in (("events wait", "decided"), ("events wait in the log", "published_anew")):
        drained = Drained(**found[name])
        print(f"{found['events']:,} {what}: {drained.peak_mb} MB at most; wanted: under {WANTED_MB} MB")
        print(f"done {drained.seconds} s after the service was ready")
