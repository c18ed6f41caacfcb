"""`make bench ARGS="cells"`: one cell with all events, and two cells side by side with half of them each.

A cell has its own topics (by their prefix), its own PostgreSQL and one copy of the subscription service; all share one
Kafka and one machine. Exit code 1 when the audit found anything.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.cell_runs import prepared_cell
from benchmarks.servers import running_servers
from benchmarks.side_by_side import alternate, options, tell
from benchmarks.standalone import run_standalone
from benchmarks.workload import Workload

RESULTS: Final = Path("build/cells.json")


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    return run_standalone(partial(_measure, options("cells", __doc__, arguments)), results=RESULTS, tell=tell)


async def _measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    work = Workload(chosen.events, datetime.now(UTC))
    half = replace(work, count=chosen.events // 2)
    async with running_servers(folder) as first, first.with_another_postgres() as second:
        one = await prepared_cell(first, work)
        two = [await prepared_cell(servers, half) for servers in (first, second)]
        return await alternate({"one cell": [one], "two cells": two}, chosen.rounds)
