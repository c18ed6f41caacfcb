"""Two ways to share a backlog, in alternating runs; what `copies` and `cells` have in common."""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.cell_runs import Cell, CellsResult, drain
from benchmarks.machine import described, machine


def options(name: str, description: str | None, arguments: Sequence[str]) -> argparse.Namespace:
    """`rounds` and `events`."""
    # New topics take a moment to find their leaders; the client tries again, and logs it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog=f'make bench ARGS="{name}"', description=description)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median is told")
    parser.add_argument("--events", type=int, default=30_000, help="mixed events in a run")
    return parser.parse_args(arguments)


async def alternate(ways: Mapping[str, Sequence[Cell]], rounds: int) -> dict[str, Any]:
    """So many runs of each way; the one that goes first changes from round to round. Ready for JSON."""
    results: dict[str, list[CellsResult]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            results[name].append(await drain(ways[name]))
        rates = ", ".join(f"{name} {each[-1].rate:,.0f}/s" for name, each in results.items())
        print(f"round {number + 1} of {rounds}: {rates}", flush=True)
    return {"machine": machine(), **_summary(results)}


def tell(found: Mapping[str, Any]) -> None:
    """Print a table; findings of the audit go to standard error."""
    one, two = found["measured"].values()
    print(f"{found['rounds']} alternating runs, medians. {described(found['machine'])}")
    print("\n".join((f"| | {' | '.join(found['measured'])} | ratio |", "|---|---|---|---|")))
    for name in dict.fromkeys((*one, *two)):
        print(
            f"| {name} | {_shown(one.get(name))} | {_shown(two.get(name))} | {_ratio(one.get(name), two.get(name))} |"
        )
    for finding in found["findings"][:20]:
        print(f"AUDIT: {finding}", file=sys.stderr)


def _summary(results: Mapping[str, Sequence[CellsResult]]) -> dict[str, Any]:
    return {
        "rounds": min(map(len, results.values())),
        "measured": {name: _medians(those) for name, those in results.items()},
        "all_rates": {name: [round(run.rate, 1) for run in those] for name, those in results.items()},
        "findings": [finding for those in results.values() for run in those for finding in run.findings],
    }


def _medians(those: Sequence[CellsResult]) -> dict[str, float]:
    """Of the rate in events per second, and of the processor time per event in microseconds, all and by part."""
    parts = {
        f"of that {name}": median(run.cpu_seconds[name] / run.events for run in those) * 1e6
        for name in those[0].cpu_seconds
    }
    return {
        "events per second": median(run.rate for run in those),
        "processor time per event, µs": median(run.cpu_us_per_event for run in those),
        **parts,
    }


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _ratio(one: float | None, two: float | None) -> str:
    return f"{two / one:.2f}" if one and two else ""
