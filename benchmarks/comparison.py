"""`make bench ARGS="--beside PATH"`: our Tenure and that of another checkout, in alternating runs on the same servers.

The other checkout has its own `.venv`, in which it is installed. Each of the two prepares its own customers, so that
its migrations and no others have made its tables.
"""

from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import runs
from benchmarks.runs import OUR_PYTHON, RunResult
from benchmarks.servers import Servers
from benchmarks.workload import Workload

RESULTS: Final = Path("build/bench-beside.json")
OURS: Final = "ours"
OTHER: Final = "the other"


def python_of(checkout: str) -> Path:
    """The interpreter of another checkout. Raises `ArgumentTypeError` where there is none."""
    python = Path(checkout).absolute() / ".venv/bin/python"
    if not python.exists():
        raise ArgumentTypeError(f"{checkout} has no .venv: run `make setup` there")
    return python


async def compare(
    servers: Servers, work: Workload, other_python: Path, *, rounds: int, latency_events: int
) -> Mapping[str, Sequence[RunResult]]:
    """So many runs of each. The one that goes first changes from round to round."""
    pythons = {OURS: OUR_PYTHON, OTHER: other_python}
    prepared = {name: await runs.prepare(servers, work, python=python) for name, python in pythons.items()}
    results: dict[str, list[RunResult]] = {name: [] for name in pythons}
    for number in range(rounds):
        for name in list(pythons)[:: -1 if number % 2 else 1]:
            run = await runs.tenure(servers, work, prepared[name], latency_events, python=pythons[name])
            results[name].append(run)
        rates = ", ".join(f"{name} {each[-1].rate:,.0f}/s" for name, each in results.items())
        print(f"round {number + 1} of {rounds}: {rates}", flush=True)
    return results


def summarize(results: Mapping[str, Sequence[RunResult]]) -> dict[str, Any]:
    """Medians of both and the ratio of ours to the other's, ready for JSON."""
    measured = {name: _medians(those) for name, those in results.items()}
    ratios = {name: round(measured[OURS][name] / measured[OTHER][name], 3) for name in measured[OURS]}
    findings = [finding for those in results.values() for run in those for finding in run.findings]
    rates = {name: [round(run.rate, 1) for run in those] for name, those in results.items()}
    return {"measured": measured, "ratio": ratios, "all_rates": rates, "findings": findings}


def table(found: Mapping[str, Any]) -> str:
    """The same for people, in Markdown."""
    ours, other = found["measured"][OURS], found["measured"][OTHER]
    rows = [f"| {name} | {ours[name]:,.1f} | {other[name]:,.1f} | {found['ratio'][name]:.3f} |" for name in ours]
    return "\n".join((f"| medians | {OURS} | {OTHER} | ratio |", "|---|---|---|---|", *rows))


def _medians(those: Sequence[RunResult]) -> Mapping[str, float]:
    latencies = [run.latency for run in those if run.latency]
    half_loads = [run.half_load for run in those if run.half_load]
    return {
        "events per second": median(run.rate for run in those),
        "CPU time per event, µs": median(run.spent.cpu_seconds / run.events for run in those) * 1e6,
        "CPU time of an event that comes alone, µs": median(run.alone_cpu_seconds for run in those) * 1e6,
        "WAL per event, bytes": median(run.spent.wal_bytes / run.events for run in those),
        "Kafka per event, bytes": median(run.spent.kafka_bytes / run.events for run in those),
        "latency p50, ms": median(each.p50 for each in latencies),
        "latency p99, ms": median(each.p99 for each in latencies),
        "at half load p99, ms": median(each.p99 for each in half_loads),
    }
