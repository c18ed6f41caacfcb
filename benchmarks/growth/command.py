"""`python -m benchmarks growth`: whether an event, a timer and an empty look stay as cheap however much there is.

In one process beside a PostgreSQL and without Kafka: accounts with 10 to 100,000 servers and 10 to 10,000 coupons,
parked events, ended terms and settings take turns; then databases with few and with very many accounts. With
`--startup`, beside a Kafka too: how long both services take until they are ready, and what memory they have when idle.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.deciding import default_rules
from benchmarks.growth.accounts import KINDS, Subject, make
from benchmarks.growth.copy import Copy, Samples
from benchmarks.growth.firms import Work, beside
from benchmarks.growth.life import live
from benchmarks.growth.startup import starts
from benchmarks.machine import described, machine
from benchmarks.page import write_json
from shared.runtime.garbage import collect_garbage_seldom
from subscription_service.domain.policy import Rules
from tenure.local.postgres import Postgres

RESULTS: Final = Path("build/growth.json")
STARTS: Final = Path("build/startup.json")
WANTED: Final = 1.3
_NUMBERS: Final = (10, 1_000, 10_000)
_MOST_SERVERS: Final = 100_000
_SIZES: Final = (10_000, 1_000_000)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    options = _options(arguments)
    measure, results, tell = (_starts, STARTS, _tell_starts) if options.startup else (_growth, RESULTS, _tell)
    collect_garbage_seldom()
    with tempfile.TemporaryDirectory(prefix="tenure-growth-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(Path(folder), options))
    found = {"machine": machine(), **found}
    write_json(results, found)
    print(f"{described(found['machine'])} Load average {found['machine']['load']}.")
    tell(found)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS, help="of what accounts have much")
    parser.add_argument("--months", type=int, default=15, help="how often each of them is measured")
    parser.add_argument("--accounts", nargs="*", type=int, default=_SIZES, help="beside how many accounts")
    parser.add_argument("--due", type=int, default=1_000, help="accounts with something due beside them")
    parser.add_argument("--rounds", type=int, default=7, help="how often that is measured")
    parser.add_argument("--startup", action="store_true", help="measure starts and idle memory instead")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    options = parser.parse_args(arguments)
    if options.quick:
        options.months, options.accounts, options.due, options.rounds = 3, [1_000, 10_000], 100, 2
    return options


async def _starts(folder: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    return {"services": await starts(folder, options.rounds)}


async def _growth(folder: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    try:
        rows, samples = await _things(postgres, options)
        samples |= await beside(postgres, default_rules(), options.accounts, Work(options.due, options.rounds))
        return {"rows": rows, "due": options.due, "milliseconds": _medians(samples)}
    finally:
        await postgres.kill()


async def _things(postgres: Postgres, options: argparse.Namespace) -> tuple[Mapping[str, int], Samples]:
    """Of accounts with n of one kind of thing: how many rows there are, and what events and timers take."""
    copy = await Copy.begin(postgres.url_of("postgres"), _with_one_attempt(default_rules()))
    subjects = _subjects(options)
    for subject in subjects:
        await make(copy, subject)
        print(f"made {subject.account_id}", flush=True)
    await copy.sql("VACUUM ANALYZE")
    rows = await copy.rows()
    samples = await live(copy, subjects, options.months)
    await copy.end()
    return rows, samples


def _with_one_attempt(rules: Rules) -> Rules:
    """One attempt to deduct a month, so that one thing is due at a time; and room for more parked events."""
    roomy = replace(rules.policy, auto_renewal_attempt_days=(9,), park_limit=20_000, park_limit_bytes=100_000_000)
    return replace(rules, policy=roomy)


def _subjects(options: argparse.Namespace) -> Sequence[Subject]:
    numbers = _NUMBERS[:2] if options.quick else _NUMBERS
    wanted = [(kind, number) for kind in options.kinds for number in numbers]
    if "servers" in options.kinds and not options.quick:
        wanted.append(("servers", _MOST_SERVERS))
    return [Subject(kind, number, day) for day, (kind, number) in enumerate(wanted, start=1)]


def _medians(samples: Samples) -> list[dict[str, Any]]:
    """Milliseconds of the processor and on the clock, by how much there is."""
    return [
        {
            "what": what,
            "processor": {number: _median(each.processor for each in costs) for number, costs in by_number.items()},
            "wall": {number: _median(each.wall for each in costs) for number, costs in by_number.items()},
            "samples": {number: len(costs) for number, costs in by_number.items()},
        }
        for what, by_number in ((what, dict(sorted(samples[what].items()))) for what in sorted(samples))
    ]


def _median(milliseconds: Iterable[float]) -> float:
    return round(statistics.median(milliseconds), 3)


def _tell(found: Mapping[str, Any]) -> None:
    print("rows:", ", ".join(f"{table} {count:,}" for table, count in found["rows"].items()))
    print("milliseconds of the processor (on the clock), medians, and the largest beside the smallest number:")
    for row in found["milliseconds"]:
        costs = list(row["processor"].values())
        medians = [f"{number:,}: {ms:.2f} ({row['wall'][number]:.2f})" for number, ms in row["processor"].items()]
        mark = "" if costs[-1] <= costs[0] * WANTED else "  <-- grows"
        print(f"  {row['what']:<28} {'   '.join(medians)}   x {costs[-1] / costs[0]:.2f}{mark}")


def _tell_starts(found: Mapping[str, Any]) -> None:
    for name, start in found["services"].items():
        print(f"  {name}: {start}")
