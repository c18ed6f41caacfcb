"""From measured runs to JSON and to the table in docs/performance.md."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import described, machine
from benchmarks.runs import RunResult

RESULTS: Final = Path("build/bench.json")
PAGE: Final = Path("docs/performance.md")
_TARGET_BARE: Final = 0.40
_TARGET_USUAL: Final = 25
_TARGET_P99_MS: Final = 100


def summarize(results: Mapping[str, Sequence[RunResult]]) -> dict[str, Any]:
    """Everything, ready for JSON; rates are medians."""
    rates = {name: median(run.rate for run in those) for name, those in results.items()}
    latencies = [run.latency for run in results["tenure"] if run.latency]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "events": {name: those[0].events for name, those in results.items()},
        "rounds": len(results["tenure"]),
        "events_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "all_rates": {name: [round(run.rate, 1) for run in those] for name, those in results.items()},
        "records_out": {
            name: [(run.lifecycle, run.state, run.bytes_out) for run in those] for name, those in results.items()
        },
        "cpu_us_per_event": {name: _cpu(results[name]) for name in ("tenure", "bare")},
        "share_of_bare": round(rates["tenure"] / rates["bare"], 3),
        "times_usual": round(rates["tenure"] / rates["usual"], 1),
        "latency_ms": {
            "p50": round(median(each.p50 for each in latencies), 1),
            "p99": round(median(each.p99 for each in latencies), 1),
            "longest": round(max(each.longest for each in latencies), 1),
            "events": sum(each.events for each in latencies),
        },
        "findings": [finding for those in results.values() for run in those for finding in run.findings],
    }


def _cpu(those: Sequence[RunResult]) -> float:
    """Microseconds of the process's own CPU time, user and system."""
    return round(median((run.cpu_seconds or 0) / run.events for run in those) * 1e6, 1)


def table(found: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    rates, latency = found["events_per_second"], found["latency_ms"]
    cpu = found["cpu_us_per_event"]
    rounds = "one run" if found["rounds"] == 1 else f"medians of {found['rounds']} interleaved runs"
    rows = (
        f"| Tenure, {found['events']['tenure']:,} mixed events | {rates['tenure']:,.0f} events/s | |",
        f"| the bare pipeline, the same events | {rates['bare']:,.0f} events/s | |",
        f"| the usual way, {found['events']['usual']:,} events | {rates['usual']:,.0f} events/s | |",
        f"| Tenure compared with the bare pipeline | {found['share_of_bare']:.0%} | at least {_TARGET_BARE:.0%} |",
        f"| Tenure compared with the usual way | {found['times_usual']:.1f} × | at least {_TARGET_USUAL} × |",
        f"| the process's own CPU time per event, Tenure / bare | {cpu['tenure']:.0f} / {cpu['bare']:.0f} µs | |",
        f"| one event in → out when idle, p50 | {latency['p50']:.0f} ms | |",
        f"| the same, p99 | {latency['p99']:.0f} ms | under {_TARGET_P99_MS} ms |",
        f"| lost, doubled, out of order | {len(found['findings'])} | 0 |",
    )
    return "\n".join(
        (
            f"{found['at'][:10]}, {rounds}. {described(found['machine'])}",
            f"Servers, processes and reader share these cores. {', '.join(found['machine']['versions'])}.",
            "",
            "| | measured | wanted |",
            "|---|---|---|",
            *rows,
        )
    )
