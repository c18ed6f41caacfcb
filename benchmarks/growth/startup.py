"""How long a copy of each service takes from its start until it is ready, and what memory it has when idle.

A Kafka and a PostgreSQL are made for it. The first start of a service makes its tables and topics; the others, which
are told, find them there.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.runs import running
from benchmarks.servers import Workspace, running_servers
from shared.contracts.topics import OUTCOMES
from shared.kafka import topics
from tenure.local.ports import HOST, free_port
from tenure.local.service import Service

SERVICES: Final = ("subscription", "notifier")
_IDLE_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.02
_MEGABYTE: Final = 1_000_000
# Its emails have nowhere to go, and none is sent.
_NO_RELAY: Final = {"TENURE_SMTP_HOST": HOST, "TENURE_SMTP_TLS": "none", "TENURE_DELIVERY": "inbox"}


class Start(NamedTuple):
    """Seconds until ready, on the clock and of the processor; then megabytes when idle: resident, and its share where
    memory is shared with other processes.
    """

    seconds: float
    processor_seconds: float
    resident_mb: float
    proportional_mb: float


async def starts(folder: Path, rounds: int) -> Mapping[str, Mapping[str, Any]]:
    """Service -> medians of what `Start` has, and how many starts there were."""
    async with running_servers(folder) as servers:
        workspace = await servers.workspace("starts")
        await topics.ensure([OUTCOMES], workspace.settings)
        found = {name: [await _start(workspace, name) for _ in range(rounds + 1)][1:] for name in SERVICES}
    return {name: {**_medians(those), "starts": rounds} for name, those in found.items()}


def _medians(those: Sequence[Start]) -> dict[str, float]:
    return {figure: round(statistics.median(getattr(each, figure) for each in those), 2) for figure in Start._fields}


async def _start(workspace: Workspace, name: str) -> Start:
    command = [sys.executable, "-P", "-m", f"{name}_service"]
    service = Service(name, workspace.folder, port=free_port(), command=command)
    service.use_environment({**workspace.environment, **_NO_RELAY})
    began = time.perf_counter()
    async with running(service) as part:
        process = psutil.Process(part.pid)
        while not await part.answers():
            await asyncio.sleep(_POLL_SECONDS)
        seconds, used = time.perf_counter() - began, process.cpu_times()
        await asyncio.sleep(_IDLE_SECONDS)
        memory = process.memory_full_info()
    return Start(seconds, used.user + used.system, memory.rss / _MEGABYTE, memory.pss / _MEGABYTE)
