"""`python -m benchmarks lists`: pages of the list of accounts, and the forecast, with very many accounts.

A Kafka, a PostgreSQL and one subscription service are made for it, and the accounts by SQL (`firm`). Pages are timed as
a caller sees them; while the forecast is worked out, single events are sent, so that it shows what decisions feel of
it. A target that was missed is shown, and is no failure.
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from os import getpid
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.firm import make_firm
from benchmarks.latency import Latency, measure_latency
from benchmarks.machine import described, machine
from benchmarks.runs import OUR_PYTHON, running
from benchmarks.servers import Servers, Workspace, running_servers, subscription_service
from benchmarks.standalone import run_standalone
from subscription_service import forecasting
from subscription_service.forecasting import PROCESSES, Job
from subscription_service.policy_files.rules import load_rules
from tenure.http_answers import get, operator_headers

RESULTS: Final = Path("build/lists.json")
WANTED_PAGE_MS: Final = 50
WANTED_FORECAST_SECONDS: Final = 30
_FORECAST_DAYS: Final = 30
_SECONDS: Final = 900.0
_EVENTS: Final = 200
_REPEATS: Final = 15
_ZONE: Final = timedelta(hours=8)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lists", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000, help="how many accounts there are")
    count = parser.parse_args(arguments).accounts
    return run_standalone(partial(_measure, count=count), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, count: int) -> dict[str, Any]:
    async with running_servers(folder) as servers:
        return {"accounts": count, "machine": machine(), **await _of_service(servers, count)}


async def _of_service(servers: Servers, count: int) -> dict[str, Any]:
    workspace = await servers.workspace("lists")
    service = subscription_service(workspace, OUR_PYTHON)
    async with running(service) as part:
        await part.until_ready()
        await make_firm(workspace.database_url, count, (datetime.now(UTC) + _ZONE).date())
        headers = operator_headers("operator", workspace.settings)
        idle = await measure_latency(workspace, _EVENTS)

        def ask(path: str, **parameters: Any) -> Mapping[str, Any]:
            url = f"{service.url}{path}?{urlencode(parameters)}"
            return get(url, headers, service="the service", seconds=_SECONDS)

        pages = await asyncio.to_thread(lambda: {name: _pages(ask, **query) for name, query in _QUERIES.items()})
        forecast, beside = await _forecast_beside(workspace)
    return {
        "pages_ms": pages,
        "forecast": forecast,
        "decision_ms": {"idle": asdict(idle), "beside_the_forecast": asdict(beside)},
    }


async def _forecast_beside(workspace: Workspace) -> tuple[dict[str, Any], Latency]:
    """The forecast as the service has it worked out, and the latency of events that are sent meanwhile."""
    rules, url = load_rules(workspace.settings), workspace.database_url
    job = Job(url, "subscription", rules, datetime.now(UTC), _FORECAST_DAYS, 100, 0, PROCESSES, getpid())
    began, used = time.perf_counter(), _children_seconds()
    asked = asyncio.create_task(forecasting.forecast(job))
    beside = await measure_latency(workspace, _EVENTS, first=100_000)
    forecast, left_out = await asked
    return {
        "days": _FORECAST_DAYS,
        "processes": PROCESSES,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(_children_seconds() - used, 1),
        "accounts": forecast.accounts,
        "left_out": left_out,
        "deducted": sum(day.deducted for day in forecast.days),
        "without_balance": sum(day.without_balance for day in forecast.days),
        "expired": sum(day.expired for day in forecast.days),
        "released": sum(day.released for day in forecast.days),
    }, beside


def _children_seconds() -> float:
    """Processor time of child processes that have ended, user and system."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pages(ask: Any, **query: Any) -> dict[str, float]:
    """Milliseconds of the first pages one after another, and of pages that begin deep in the list."""
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        page = ask("/api/accounts", **query)
        times.append((time.perf_counter() - began) * 1000)
        if page["next"] is None:
            query.pop("after", None)
        else:
            query["after"] = page["next"]
    return {"median": round(statistics.median(times), 1), "longest": round(max(times), 1)}


def _day(days: int) -> str:
    return ((datetime.now(UTC) + _ZONE).date() + timedelta(days=days)).isoformat()


_QUERIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "all": {},
    "all, 1,000 a page": {"limit": 1000},
    "all, deep": {"after": f"{_day(200)},firm-000500000"},
    "without E": {"after": "none,firm-000500000"},
    "active": {"state": "active"},
    "grace": {"state": "grace"},
    "released": {"state": "released"},
    "one edition": {"edition": "enterprise"},
    "automatic renewal on, deep": {"auto_renewal": "true", "after": f"{_day(200)},firm-000500000"},
    "automatic renewal off": {"auto_renewal": "false"},
    "failing (none)": {"failing": "true"},
    "declined": {"declined": "true"},
    "a week of E": {"expires_from": _day(100), "expires_to": _day(106)},
    "all filters at once": {
        "state": "active",
        "edition": "ultimate",
        "auto_renewal": "true",
        "failing": "false",
        "declined": "false",
        "expires_from": _day(20),
        "expires_to": _day(300),
    },
}


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{found['accounts']:,} accounts. {described(found['machine'])} Load average {found['machine']['load']}.")
    for name, took in found["pages_ms"].items():
        print(f"  page, {name:<28} median {took['median']:>6} ms, longest {took['longest']:>6} ms")
    forecast = found["forecast"]
    print(f"wanted: a page under {WANTED_PAGE_MS} ms")
    print(f"forecast: {forecast}; wanted: {WANTED_FORECAST_SECONDS} s for 1,000,000 accounts")
    for name, took in found["decision_ms"].items():
        print(
            f"  decision, {name}: p50 {took['p50']:.0f} ms, p99 {took['p99']:.0f} ms, longest {took['longest']:.0f} ms"
        )
