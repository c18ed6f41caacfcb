"""`python -m benchmarks growth`: whether an event, a timer and an empty look stay as cheap however much there is.

In one process beside a PostgreSQL and without Kafka: accounts with 10 to 100,000 servers and 10 to 10,000 coupons,
parked events, ended terms and settings take turns.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.growth.accounts import KINDS, Subject, make
from benchmarks.growth.copy import Copy
from benchmarks.growth.life import Samples, live
from benchmarks.machine import described, machine
from benchmarks.page import write_json
from shared.runtime.garbage import collect_garbage_seldom
from subscription_service.domain.policy import Rules
from subscription_service.policy_files import catalog, policy
from tenure.local.postgres import Postgres

RESULTS: Final = Path("build/growth.json")
WANTED: Final = 1.3
_NUMBERS: Final = (10, 1_000, 10_000)
_MOST_SERVERS: Final = 100_000


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("--months", type=int, default=15, help="how often each account is measured")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS, help="of what there is much")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    options = parser.parse_args(arguments)
    if options.quick:
        options.months = 3
    collect_garbage_seldom()
    with tempfile.TemporaryDirectory(prefix="tenure-growth-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_measure(Path(folder), options))
    write_json(RESULTS, found)
    _tell(found)
    return 0


async def _measure(folder: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    try:
        return {"machine": machine(), "accounts": await _accounts(postgres, options)}
    finally:
        await postgres.kill()


async def _accounts(postgres: Postgres, options: argparse.Namespace) -> Mapping[str, Any]:
    """An event and a timer of accounts with n of one kind of thing."""
    copy = await Copy.begin(postgres.url_of("postgres"), _rules())
    subjects = _subjects(options)
    for subject in subjects:
        await make(copy, subject)
        print(f"made {subject.account_id}", flush=True)
    await copy.sql("VACUUM ANALYZE")
    rows = await copy.rows()
    samples = await live(copy, subjects, options.months)
    await copy.end()
    return {"rows": rows, "milliseconds": _medians(samples)}


def _rules() -> Rules:
    """One attempt to deduct a month, so that one thing is due at a time; and room for more parked events."""
    loaded = policy.load_policy(policy.DEFAULT)
    roomy = replace(loaded, auto_renewal_attempt_days=(9,), park_limit=20_000, park_limit_bytes=100_000_000)
    return Rules(policy=roomy, catalog=catalog.load_catalog(catalog.DEFAULT))


def _subjects(options: argparse.Namespace) -> Sequence[Subject]:
    numbers = _NUMBERS[:2] if options.quick else _NUMBERS
    wanted = [(kind, number) for kind in options.kinds for number in numbers]
    if "servers" in options.kinds and not options.quick:
        wanted.append(("servers", _MOST_SERVERS))
    return [Subject(kind, number, day) for day, (kind, number) in enumerate(wanted, start=1)]


def _medians(samples: Samples) -> list[dict[str, Any]]:
    """For each kind of thing and each event or timer, by how many there are: medians of clock and processor."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (kind, what, number), costs in sorted(samples.items()):
        row = rows.setdefault((kind, what), {"kind": kind, "what": what, "wall": {}, "processor": {}, "samples": {}})
        row["wall"][number] = round(statistics.median(each.wall for each in costs), 2)
        row["processor"][number] = round(statistics.median(each.processor for each in costs), 2)
        row["samples"][number] = len(costs)
    return list(rows.values())


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{described(found['machine'])} Load average {found['machine']['load']}.")
    print("rows:", ", ".join(f"{table} {count:,}" for table, count in found["accounts"]["rows"].items()))
    print("milliseconds of the processor (on the clock), medians:")
    for row in found["accounts"]["milliseconds"]:
        few, *_, many = row["processor"].values()
        figures = [f"{number:,}: {ms:.1f} ({row['wall'][number]:.1f})" for number, ms in row["processor"].items()]
        mark = "" if many <= few * WANTED else "  <-- grows"
        print(f"  {row['kind']:<14} {row['what']:<14} {'   '.join(figures)}   x {many / few:.2f}{mark}")
