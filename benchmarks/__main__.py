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
from benchmarks.events import Workload
from benchmarks.ground import Ground
from benchmarks.runs import Drained


def main() -> int:
    """Measure, print, write."""
    # New topics take a moment to find their leaders; the client tries again, and says so.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    wishes = _wishes()
    with tempfile.TemporaryDirectory(prefix="tenure-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        found = report.figures(asyncio.run(_measure(wishes, Path(folder))))
    report.FIGURES.parent.mkdir(exist_ok=True)
    report.FIGURES.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(report.table(found))
    if not wishes.quick:
        report.write_page(report.table(found))
    for finding in found["findings"][:20]:
        print(f"AUDIT: {finding}", file=sys.stderr)
    return 1 if found["findings"] else 0


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each pipeline runs")
    parser.add_argument("--events", type=int, default=100_000, help="mixed events in a run")
    parser.add_argument("--usual", type=int, default=3_000, help="events in a run of the usual way, which is slow")
    parser.add_argument("--singles", type=int, default=300, help="single events for the latency of a run")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    wishes = parser.parse_args()
    if wishes.quick:
        wishes.rounds, wishes.events, wishes.usual, wishes.singles = 1, 5_000, 500, 60
    return wishes


async def _measure(wishes: argparse.Namespace, folder: Path) -> dict[str, list[Drained]]:
    """Interleaved; the first round gives the bare pipeline its fillers."""
    now = datetime.now(UTC)
    work, small = Workload(wishes.events, now), Workload(wishes.usual, now)
    measured: defaultdict[str, list[Drained]] = defaultdict(list)
    async with Ground(folder).standing() as ground:
        print(f"subscribing {work.accounts - work.newcomers:,} standing customers", flush=True)
        prepared = await runs.prepare(ground, work)
        for number in range(1, wishes.rounds + 1):
            drained, fillers = await runs.tenure(ground, work, prepared, wishes.singles)
            measured["tenure"].append(drained)
            measured["bare"].append(await runs.bare(ground, work, prepared, fillers))
            measured["usual"].append(await runs.usual(ground, small))
            rates = ", ".join(f"{name} {those[-1].rate:,.0f}/s" for name, those in measured.items())
            print(f"round {number} of {wishes.rounds}: {rates}", flush=True)
    return dict(measured)


if __name__ == "__main__":
    sys.exit(main())
