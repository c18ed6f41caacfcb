"""`python -m benchmarks ops`: the operations page with very many accounts.

A Kafka is made for it, and the topics are filled as the services would fill them. Then the page is started from an
empty disk and again from its snapshot; each time it is measured how long the first answer and the right numbers take
from the start of the process, and how much memory it needs; and how long after an event an open page shows it. A
target that was missed is shown, and is no failure.
"""

import argparse
import asyncio
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from benchmarks.machine import described, machine
from benchmarks.ops_topics import Topics
from benchmarks.resource_usage import peak_bytes
from benchmarks.runs import running
from benchmarks.standalone import run_standalone
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.part import Part
from tenure.local.ports import free_port
from tenure.local.service import Service
from tenure.tokens import token

RESULTS: Final = Path("build/ops.json")
WANTED: Final = {
    "from_empty": {"up_to_date_seconds": 60},
    "from_snapshot": {"up_to_date_seconds": 5},
    "first_page_seconds": 1,
    "memory_mb": 500,
    "event_to_page_seconds": 5,
}
_SECRET: Final = "only for a benchmark, and long enough for HS256"
_PATIENCE_SECONDS: Final = 600
_EVENTS: Final = 20
_PAGES: Final = 20
_ACTIVE: Final = re.compile(r"<b>([\d,]+)</b> <span>active")


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ops", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000, help="how many accounts there are")
    count = parser.parse_args(arguments).accounts
    return run_standalone(partial(_measure, count=count), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, count: int) -> dict[str, Any]:
    kafka = Kafka(folder / "kafka")
    await kafka.start()
    try:
        settings = Settings(kafka_bootstrap_servers=kafka.bootstrap)
        topics = Topics(settings, datetime.now(UTC).date() + timedelta(days=1))
        await topics.fill(count)
        page = _page(folder, settings)
        found = {"accounts": count, "machine": machine(), "from_empty": await _started(page, topics, count)}
        return {**found, "from_snapshot": await _started(page, topics, count + _EVENTS)}
    finally:
        await kafka.kill()


def _page(folder: Path, settings: Settings) -> Service:
    page = Service("ops", folder / "page", port=free_port(), command=[sys.executable, "-m", "tenure.ops"])
    page.use_environment(
        {
            "TENURE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "TENURE_AUTH_SECRET": _SECRET,
            "TENURE_OPS_DATA_DIR": str(folder / "page" / "data"),
            "TENURE_HTTP_RATE_PER_ADDRESS": "100000",
        }
    )
    return page


async def _started(page: Service, topics: Topics, unused: int) -> dict[str, Any]:
    """One start of the page, until it has shown some events, of accounts from number `unused` on; it is stopped then,
    and so writes its snapshot.
    """
    began = time.monotonic()
    async with running(page) as part, _client(page.url) as client:
        first = await _until(client, began, part, "<h2")
        up_to_date = await _until(client, began, part, "Up to date")
        shown = await _active(client)
        pages = [await _timed(client, "/ops") for _ in range(_PAGES)]
        lists = [await _timed(client, path) for path in ("/ops/accounts?state=grace", "/ops/accounts?state=active")]
        latencies = [await _event_to_page(client, topics, unused + number) for number in range(_EVENTS)]
        memory, peak = psutil.Process(part.pid).memory_info().rss, peak_bytes(part)
    return {
        "first_answer_seconds": round(first, 2),
        "up_to_date_seconds": round(up_to_date, 1),
        "active_shown": shown,
        "page_seconds": {"median": round(statistics.median(pages), 3), "longest": round(max(pages), 3)},
        "list_seconds": round(max(lists), 2),
        "event_to_page_seconds": {
            "median": round(statistics.median(latencies), 2),
            "longest": round(max(latencies), 2),
        },
        "memory_mb": round(memory / 2**20),
        "peak_memory_mb": round(peak / 2**20),
    }


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token('ops', _SECRET, operator=True)}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


async def _until(client: httpx.AsyncClient, began: float, part: Part, text: str) -> float:
    """Seconds from `began` until the page has this text."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            if part.exit_code is not None:
                raise RuntimeError(f"the page has ended.\n{part.log_tail()}")
            try:
                if text in (await client.get("/ops")).text:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def _active(client: httpx.AsyncClient) -> int:
    found = _ACTIVE.search((await client.get("/ops")).text)
    return int(found[1].replace(",", "")) if found else -1


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.monotonic()
    (await client.get(path)).raise_for_status()
    return time.monotonic() - began


async def _event_to_page(client: httpx.AsyncClient, topics: Topics, number: int) -> float:
    """Seconds from the sending of an active account's first document until an open page is sent the new number."""
    wanted = f"<b>{await _active(client) + 1:,}</b> <span>active"
    async with client.stream("GET", "/ops/stream") as stream:
        lines = stream.aiter_lines()
        async for line in lines:  # what is known is sent first
            if line.startswith("data:"):
                break
        began = time.monotonic()
        await topics.add(number)
        async for line in lines:
            if wanted in line:
                break
    return time.monotonic() - began


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{found['accounts']:,} accounts. {described(found['machine'])} Load average {found['machine']['load']}.")
    for start in ("from_empty", "from_snapshot"):
        print(f"{start}: {found[start]}")
    print(f"wanted: {WANTED}")
