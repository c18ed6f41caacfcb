"""`make bench`: the three pipelines in turns, so that a slow minute of the machine hits all of them.

Ends with 1 when the audit found anything; a missed target is shown, not hidden, and no failure.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report, runs
from benchmarks.environment import Environment
from benchmarks.events import Workload
from benchmarks.runs import Drained


def main() -> int:
    """Measure, print, write."""
    # New topics take a moment to find their leaders; the client tries again, and says so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    options = _options()
    with tempfile.TemporaryDirectory(prefix="tenure-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        found = report.figures(asyncio.run(_measure(options, Path(folder))))
    report.FIGURES.parent.mkdir(exist_ok=True)
    report.FIGURES.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(report.table(found))
    if not options.quick:
        report.write_page(report.table(found))
    for finding in found["findings"][:20]:
        print(f"AUDIT: {finding}", file=sys.stderr)
    return 1 if found["findings"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each pipeline runs")
    parser.add_argument("--events", type=int, default=100_000, help="mixed events in a run")
    parser.add_argument("--usual", type=int, default=3_000, help="events in a run of the usual way, which is slow")
    parser.add_argument("--singles", type=int, default=300, help="single events for the latency of a run")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.events, options.usual, options.singles = 1, 5_000, 500, 60
    return options


async def _measure(options: argparse.Namespace, folder: Path) -> dict[str, list[Drained]]:
    """Interleaved; the first round gives the bare pipeline its fillers."""
    now = datetime.now(UTC)
    work, small = Workload(options.events, now), Workload(options.usual, now)
    measured: defaultdict[str, list[Drained]] = defaultdict(list)
    async with Environment(folder).running() as environment:
        print(f"subscribing {work.accounts - work.newcomers:,} standing customers", flush=True)
        prepared = await runs.prepare(environment, work)
        for number in range(1, options.rounds + 1):
            drained, fillers = await runs.tenure(environment, work, prepared, options.singles)
            measured["tenure"].append(drained)
            measured["bare"].append(await runs.bare(environment, work, prepared, fillers))
            measured["usual"].append(await runs.usual(environment, small))
            rates = ", ".join(f"{name} {those[-1].rate:,.0f}/s" for name, those in measured.items())
            print(f"round {number} of {options.rounds}: {rates}", flush=True)
    return dict(measured)


if __name__ == "__main__":
    sys.exit(main())
