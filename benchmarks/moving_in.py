"""`python -m benchmarks moving-in`: how long `tenure import` takes for a whole firm, servers and balances included;
with `--plain` for subscriptions alone.

The files, a Kafka, a PostgreSQL and one subscription service are made for it; the time is that of the command, from
its start to its report. A target that was missed is shown, and is no failure; exit code 1 where not all were taken.
"""

import argparse
import asyncio
import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.machine import described, machine
from benchmarks.page import write_json
from benchmarks.runs import OUR_PYTHON, running
from benchmarks.servers import running_servers, subscription_service

RESULTS: Final = Path("build/moving-in.json")
WANTED_SECONDS: Final = 120
WANTED_SECONDS_PLAIN: Final = 60
SERVERS: Final = 3
"""Of each subscription."""
_HEAD: Final = (
    *("account_id", "name", "email", "locale", "time_zone", "order_id", "starts_at", "months", "expires_on"),
    *("edition", "protected_servers", "auto_renewal_months", "balance"),
)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks moving-in", description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=100_000, help="how many are taken over")
    parser.add_argument("--plain", action="store_true", help="subscriptions alone, without servers and balances")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tenure-moving-in-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        return asyncio.run(_measure(Path(folder), options.subscriptions, plain=options.plain))


async def _measure(folder: Path, count: int, *, plain: bool) -> int:
    now = datetime.now(UTC)
    export = make_plain_export(folder, count, now) if plain else make_export(folder, count, now)
    async with running_servers(folder) as servers:
        workspace = await servers.workspace("moving_in")
        service = subscription_service(workspace, OUR_PYTHON)
        async with running(service) as part:
            await part.until_ready()
            environment = {**workspace.environment, "TENURE_SUBSCRIPTION_URL": service.url}
            command = [str(OUR_PYTHON), "-m", "tenure", "import", *export, "--json"]
            begun, used = time.monotonic(), _cpu(part.pid)
            done = await asyncio.to_thread(
                subprocess.run, command, env=environment, cwd=folder, capture_output=True, check=False
            )
            seconds, after = time.monotonic() - begun, _cpu(part.pid)
    _tell(_sizes(count, plain=plain), seconds, done, {who: after[who] - before for who, before in used.items()})
    return done.returncode


def _cpu(pid: int) -> Mapping[str, float]:
    """CPU seconds so far, of the service with this process id and of the commands that have ended."""
    service, commands = psutil.Process(pid).cpu_times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"service": service.user + service.system, "command": commands.ru_utime + commands.ru_stime}


def _sizes(count: int, *, plain: bool) -> Mapping[str, int]:
    servers, balances = (0, 0) if plain else (count * SERVERS, count)
    wanted = WANTED_SECONDS_PLAIN if plain else WANTED_SECONDS
    return {"subscriptions": count, "servers": servers, "balances": balances, "wanted_seconds": wanted}


def _tell(
    sizes: Mapping[str, int], seconds: float, done: "subprocess.CompletedProcess[bytes]", used: Mapping[str, float]
) -> None:
    found: dict[str, Any] = {**sizes, "seconds": round(seconds, 1)}
    found |= {"cpu_seconds": {who: round(each, 1) for who, each in used.items()}}
    write_json(RESULTS, {**found, "machine": machine()})
    print("{subscriptions:,} subscriptions, {servers:,} servers, {balances:,} balances".format(**sizes), end="")
    print(f": {seconds:.1f} s")
    print("CPU time: " + ", ".join(f"{who} {each:.1f} s" for who, each in used.items()))
    wanted = f"wanted: 100,000 in {sizes['wanted_seconds']} s"
    print(f"{sizes['subscriptions'] / seconds:,.0f} subscriptions/s; {wanted}. {described(machine())}")
    print(done.stdout.decode(), file=sys.stderr)
    print(done.stderr.decode(), file=sys.stderr)


def make_export(folder: Path, count: int, now: datetime) -> list[str]:
    """What an old system would write: monthly subscriptions, begun within the last four weeks, and their servers."""
    subscriptions = make_plain_export(folder, count, now, balance="100.00")
    servers = ((f"acct-{n}", f"srv-{n}-{server}", 4) for n in range(count) for server in range(SERVERS))
    return [*subscriptions, _written(folder / "servers.csv", ("account_id", "server_id", "cores"), servers)]


def make_plain_export(folder: Path, count: int, now: datetime, *, balance: str = "") -> list[str]:
    """The same without servers; `balance`: of each customer."""
    rows = ((*_subscription(number, now), balance) for number in range(count))
    return [_written(folder / "subscriptions.csv", _HEAD, rows)]


def _written(file: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(head)
        writer.writerows(rows)
    return str(file)


def _subscription(number: int, now: datetime) -> tuple[object, ...]:
    start = now - timedelta(days=1 + number % 28, seconds=1)
    who = (f"acct-{number}", f"Customer {number}", f"customer-{number}@example.com", "en", "Europe/Berlin")
    term = (f"old-{number}", f"{start:%Y-%m-%dT%H:%M:%SZ}", 1, (start + timedelta(days=30)).date().isoformat())
    return (*who, *term, "advanced", SERVERS + 1, 1)
