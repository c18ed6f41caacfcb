"""`make smoke`: whether an event has become dearer beside the bare loop than the reference says; about a minute.

Tenure and `bare` drain the same few thousand events by turns. The share is the bare loop's processor time, of all its
runs, by Tenure's: other work on the machine slows both, and it falls when Tenure does more for an event. Where it has
fallen too far, as many further runs have to confirm it. `--write` makes what was measured the reference.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks import report, runs
from benchmarks.machine import described, machine
from benchmarks.page import write_json
from benchmarks.runs import RunResult
from benchmarks.servers import running_servers
from benchmarks.workload import Workload

REFERENCE: Final = Path(__file__).with_name("reference.json")
Results: TypeAlias = Mapping[str, Sequence[RunResult]]
"""Name of a pipeline -> its runs."""
MAX_FALL: Final = 0.25
"""The share may fall by this part of the reference."""


def main(arguments: Sequence[str]) -> int:
    """Measure and compare; the exit code."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="tenure-smoke-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        results = asyncio.run(_measure(Path(folder), options))
    found = summarize(results)
    if options.write:
        write_json(REFERENCE, found)
    print(f"processor time per event, µs: {found['cpu_us_per_event']}; share {found['share']}")
    failures = [*found["findings"], *fallen(found, read_reference())]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def read_reference() -> dict[str, Any]:
    """What was committed, as `summarize` made it."""
    found: dict[str, Any] = json.loads(REFERENCE.read_text())
    return found


def summarize(results: Results) -> dict[str, Any]:
    """Ready for JSON: the share, how it was measured, and each run."""
    spent = {
        name: [round(run.spent.cpu_seconds / run.events * 1e6, 1) for run in those] for name, those in results.items()
    }
    return {
        "share": round(sum(spent[report.BARE]) / sum(spent["tenure"]), 3),
        "cpu_us_per_event": spent,
        "events": results["tenure"][0].events,
        "command": 'make smoke ARGS="--write"',
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described(machine()),
        "findings": [finding for those in results.values() for run in those for finding in run.findings],
    }


def fallen(found: Mapping[str, Any], reference: Mapping[str, Any]) -> list[str]:
    """A sentence where the share has fallen too far."""
    least = round((1 - MAX_FALL) * reference["share"], 3)
    if found["share"] >= least:
        return []
    return [
        f"An event has become dearer: the bare loop's processor time is {found['share']} of Tenure's, less than"
        f" {least}; it was {reference['share']} on {reference['at'][:10]}. Where that is wanted: {reference['command']}"
    ]


async def _measure(folder: Path, options: argparse.Namespace) -> Results:
    results: dict[str, list[RunResult]] = {"tenure": [], report.BARE: []}
    async with running_servers(folder) as servers:
        work = Workload(options.events, datetime.now(UTC))
        prepared = await runs.prepare(servers, work)
        for number in range(2 * options.rounds):
            if number >= options.rounds and (options.write or not fallen(summarize(results), read_reference())):
                break
            run = await runs.tenure(servers, work, prepared)
            results["tenure"].append(run)
            if run.texts is not None:
                results[report.BARE].append(await runs.bare(servers, work, prepared, report.BARE, run.texts))
    return results


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each")
    parser.add_argument("--events", type=int, default=8_000, help="mixed events in a run")
    parser.add_argument("--write", action="store_true", help=f"write {REFERENCE.name} anew")
    return parser.parse_args(arguments)
