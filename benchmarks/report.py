"""From measured runs to JSON and to the table in docs/performance.md."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.runs import RunResult

RESULTS: Final = Path("build/bench.json")
PAGE: Final = Path("docs/performance.md")
_BEGIN: Final = "<!-- results: written by `make bench` -->"
_END: Final = "<!-- end of results -->"
_VERSIONS_OF: Final = ("aiokafka", "asyncpg", "faststream", "sqlalchemy", "sqlmodel", "pydantic", "orjson", "uvloop")
_TARGET_BARE: Final = 0.40
_TARGET_USUAL: Final = 25
_TARGET_P99_MS: Final = 100


def summarize(results: Mapping[str, Sequence[RunResult]]) -> dict[str, Any]:
    """Everything, ready for JSON; rates are medians."""
    rates = {name: median(run.rate for run in those) for name, those in results.items()}
    latencies = [run.latency for run in results["tenure"] if run.latency]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
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
    rates, latency, machine = found["events_per_second"], found["latency_ms"], found["machine"]
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
    where = f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, {machine['system']}"
    return "\n".join(
        (
            f"{found['at'][:10]}, {rounds}. {where}.",
            f"Servers, processes and reader share these cores. {', '.join(machine['versions'])}.",
            "",
            "| | measured | wanted |",
            "|---|---|---|",
            *rows,
        )
    )


def write_page(text: str, page: Path = PAGE) -> None:
    """Put the table between the page's markers."""
    head, _, rest = page.read_text().partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{_BEGIN}\n{text}\n{_END}{tail}")


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(memory, 1),
        "system": platform.system(),
        "versions": [
            "Apache Kafka 4.3.1",
            "PostgreSQL 18",
            f"Python {platform.python_version()}",
            *(f"{name} {version(name)}" for name in _VERSIONS_OF),
        ],
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
