"""`make bench ARGS="copies"`: the same backlog drained by one copy of the subscription service, and by two.

Both copies belong to one consumer group and work on one database. Exit code 1 when the audit found anything.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.cell_runs import prepared_cell
from benchmarks.servers import running_servers
from benchmarks.side_by_side import alternate, options, tell
from benchmarks.standalone import run_standalone
from benchmarks.workload import Workload

RESULTS: Final = Path("build/copies.json")


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    return run_standalone(partial(_measure, options("copies", __doc__, arguments)), results=RESULTS, tell=tell)


async def _measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    async with running_servers(folder) as servers:
        one = await prepared_cell(servers, Workload(chosen.events, datetime.now(UTC)))
        return await alternate({"one copy": [one], "two copies": [one._replace(copies=2)]}, chosen.rounds)
