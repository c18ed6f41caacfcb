"""`make bench`: all pipelines in alternating runs, so that a slow minute of the machine affects all of them.

Exit code 1 when the audit found anything; a missed target is shown, and is no failure.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    backlog,
    cells,
    comparison,
    copies,
    core,
    event_ids,
    lists,
    mails,
    moving_in,
    ops,
    report,
    runs,
    smoke,
    wal,
)
from benchmarks.growth import command as growth
from benchmarks.page import write_json, write_page
from benchmarks.recovery import command as recovery
from benchmarks.runs import RunResult
from benchmarks.servers import Servers, running_servers
from benchmarks.workload import Workload

_OTHERS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "backlog": backlog.main,
    "cells": cells.main,
    "copies": copies.main,
    "core": core.main,
    "growth": growth.main,
    "ids": event_ids.main,
    "lists": lists.main,
    "mails": mails.main,
    "moving-in": moving_in.main,
    "ops": ops.main,
    "recovery": recovery.main,
    "smoke": smoke.main,
    "wal": wal.main,
}
"""First argument -> another benchmark, which takes the others; each says in its module what it measures."""
_PACED: Final = 5
"""One event for so many that wait is sent at half load."""


def main() -> int:
    """Measure, print, write; the exit code."""
    if sys.argv[1:2] and sys.argv[1] in _OTHERS:
        return _OTHERS[sys.argv[1]](sys.argv[2:])
    options = _options()
    with tempfile.TemporaryDirectory(prefix="tenure-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        found = asyncio.run(_measure(options, Path(folder)))
    for finding in found["findings"][:20]:
        print(f"AUDIT: {finding}", file=sys.stderr)
    return 1 if found["findings"] else 0


async def _measure(options: argparse.Namespace, folder: Path) -> Mapping[str, Any]:
    """The results, printed and written."""
    async with running_servers(folder) as servers:
        work = Workload(options.events, datetime.now(UTC), paced=options.events // _PACED)
        print(f"subscribing {work.accounts - work.new_customers:,} existing customers", flush=True)
        if options.beside:
            results = await comparison.compare(
                servers, work, options.beside, rounds=options.rounds, latency_events=options.latency_events
            )
            found = comparison.summarize(results)
            _write(comparison.RESULTS, found, comparison.table(found))
            return found
        found = report.summarize(await _pipelines(servers, work, options))
    _write(report.RESULTS, found, report.table(found))
    if not options.quick:
        write_page(report.PAGE, "make bench", report.table(found))
    return found


async def _pipelines(
    servers: Servers, work: Workload, options: argparse.Namespace
) -> Mapping[str, Sequence[RunResult]]:
    """The bare loops write texts as long as those of the service's run before them."""
    small = Workload(options.usual, work.until)
    results: defaultdict[str, list[RunResult]] = defaultdict(list)
    prepared = await runs.prepare(servers, work)
    for number in range(1, options.rounds + 1):
        run = await runs.tenure(servers, work, prepared, options.latency_events)
        results["tenure"].append(run)
        if run.texts is not None:
            for design in (report.BARE, report.NOVEMBER):
                results[design].append(await runs.bare(servers, work, prepared, design, run.texts))
        results["usual"].append(await runs.usual(servers, small))
        rates = ", ".join(f"{name} {those[-1].rate:,.0f}/s" for name, those in results.items())
        print(f"round {number} of {options.rounds}: {rates}", flush=True)
    return results


def _write(file: Path, found: Mapping[str, Any], table: str) -> None:
    write_json(file, found)
    print(table)


def _options() -> argparse.Namespace:
    others = f"Further benchmarks, by their name as first argument: {', '.join(_OTHERS)}."
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, epilog=others)
    parser.add_argument("--rounds", type=int, default=5, help="how often each pipeline runs")
    parser.add_argument("--events", type=int, default=100_000, help="mixed events in a run")
    parser.add_argument("--usual", type=int, default=3_000, help="events in a run of the usual way, which is slow")
    parser.add_argument("--latency-events", type=int, default=300, help="single events for the latency of a run")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    parser.add_argument(
        "--beside", type=comparison.python_of, metavar="PATH", help="compare with another checkout that has its .venv"
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.events, options.usual, options.latency_events = 1, 5_000, 500, 60
    return options


if __name__ == "__main__":
    sys.exit(main())
