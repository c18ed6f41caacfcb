"""From measured runs to JSON and to the table in docs/performance.md."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.latency import Latency
from benchmarks.machine import described, machine
from benchmarks.runs import RunResult

RESULTS: Final = Path("build/bench.json")
PAGE: Final = Path("docs/performance.md")
BARE: Final = "bare"
NOVEMBER: Final = "bare-2026-11"
_DRAINED: Final = ("tenure", BARE, NOVEMBER)


def summarize(results: Mapping[str, Sequence[RunResult]]) -> dict[str, Any]:
    """Everything, ready for JSON; all values are medians."""
    rates = {name: median(run.rate for run in those) for name, those in results.items()}
    ours = results["tenure"]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "events": {name: those[0].events for name, those in results.items()},
        "rounds": len(ours),
        "events_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "all_rates": {name: [round(run.rate, 1) for run in those] for name, those in results.items()},
        "records_out": {
            name: [(run.lifecycle, run.state, run.bytes_out) for run in those] for name, those in results.items()
        },
        "compared": {name: round(rates["tenure"] / rates[name], 3) for name in results if name != "tenure"},
        "cpu_us_per_event": {name: round(1e6 * _per_event(results[name], "cpu_seconds"), 1) for name in _DRAINED},
        "wal_bytes_per_event": {name: round(_per_event(results[name], "wal_bytes")) for name in _DRAINED},
        "kafka_bytes_per_event": {name: round(_per_event(results[name], "kafka_bytes")) for name in _DRAINED},
        "cpu_us_of_an_event_alone": round(1e6 * median(run.alone_cpu_seconds for run in ours)),
        "peak_memory_mb": round(median(run.spent.peak_bytes for run in ours) / 1e6),
        "latency_ms": _latency([run.latency for run in ours if run.latency]),
        "half_load_ms": _latency([run.half_load for run in ours if run.half_load]),
        "findings": [finding for those in results.values() for run in those for finding in run.findings],
    }


def _per_event(those: Sequence[RunResult], spent: str) -> float:
    return float(median(getattr(run.spent, spent) / run.events for run in those))


def _latency(those: Sequence[Latency]) -> dict[str, float]:
    return {
        "p50": round(median(each.p50 for each in those), 1),
        "p99": round(median(each.p99 for each in those), 1),
        "longest": round(max(each.longest for each in those), 1),
        "events": sum(each.events for each in those),
    }


def table(found: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    rounds = "one run" if found["rounds"] == 1 else f"medians of {found['rounds']} interleaved runs"
    return "\n".join(
        (
            f"{found['at'][:10]}, {rounds}. {described(found['machine'])}",
            f"Servers, processes and reader share these cores. {', '.join(found['machine']['versions'])}.",
            "",
            "| | measured | wanted |",
            "|---|---|---|",
            *_rates(found),
            *_costs(found),
            *_felt(found),
            "",
            f"Events per second of single runs: {_single_runs(found['all_rates'])}.",
        )
    )


def _rates(found: Mapping[str, Any]) -> Sequence[str]:
    events, rates, compared = found["events"], found["events_per_second"], found["compared"]
    return (
        f"| Tenure, {events['tenure']:,} mixed events | {rates['tenure']:,.0f} events/s | |",
        f"| `bare`, the same events | {rates[BARE]:,.0f} events/s | |",
        f"| `bare-2026-11`, the same events | {rates[NOVEMBER]:,.0f} events/s | |",
        f"| the usual way, {events['usual']:,} events | {rates['usual']:,.0f} events/s | |",
        f"| Tenure compared with `bare` | {compared[BARE]:.2f} | at least 0.65 |",
        f"| Tenure compared with `bare-2026-11` | {compared[NOVEMBER]:.2f} | at least 0.9 |",
        f"| Tenure compared with the usual way | {compared['usual']:.1f} × | at least 50 × |",
    )


def _costs(found: Mapping[str, Any]) -> Sequence[str]:
    cpu, wal, kafka = (found[f"{name}_per_event"] for name in ("cpu_us", "wal_bytes", "kafka_bytes"))
    both = {name: wal[name] + kafka[name] for name in _DRAINED}
    return (
        f"| the process's own CPU time per event: Tenure, `bare`, `bare-2026-11` | {_three(cpu)} µs | |",
        f"| the same, Tenure compared with `bare` | {cpu['tenure'] / cpu[BARE]:.1f} × | at most 3 × |",
        f"| CPU time of an event that comes alone | {found['cpu_us_of_an_event_alone']:,} µs | |",
        f"| PostgreSQL's WAL per event: Tenure, `bare`, `bare-2026-11` | {_three(wal)} bytes | |",
        f"| the same, Tenure compared with `bare-2026-11` | {wal['tenure'] / wal[NOVEMBER]:.2f} | at most 0.5 |",
        f"| Kafka's output topics per event, as stored: the same three | {_three(kafka)} bytes | |",
        f"| the same, Tenure compared with `bare-2026-11` | {kafka['tenure'] / kafka[NOVEMBER]:.2f} | at most 0.5 |",
        f"| WAL and Kafka together, compared in the same way | {both['tenure'] / both[NOVEMBER]:.2f} | at most 0.5 |",
        f"| most memory while {found['events']['tenure']:,} events wait | {found['peak_memory_mb']} MB | |",
    )


def _felt(found: Mapping[str, Any]) -> Sequence[str]:
    idle, half = found["latency_ms"], found["half_load_ms"]
    return (
        f"| one event in → out when idle, p50 | {idle['p50']:.0f} ms | |",
        f"| the same, p99 | {idle['p99']:.0f} ms | 30 ms |",
        f"| event → lifecycle event out at half load, p50 | {half['p50']:.0f} ms | |",
        f"| the same, p99 | {half['p99']:.0f} ms | 200 ms |",
        f"| lost, doubled, out of order | {len(found['findings'])} | 0 |",
    )


def _single_runs(rates: Mapping[str, Sequence[float]]) -> str:
    return "; ".join(f"{name} {min(those):,.0f} to {max(those):,.0f}" for name, those in rates.items())


def _three(values: Mapping[str, float]) -> str:
    return ", ".join(f"{values[name]:,.0f}" for name in _DRAINED)
