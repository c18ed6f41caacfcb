"""`python -m benchmarks mails`: how many emails and messages the notifier makes of lifecycle events.

A Kafka, a PostgreSQL and a mail relay that accepts everything (`mail_sink`) are made for it. The topic is filled, the
notifier started, and the time taken from its first email, or message, to its last. Emails go over 1, 4 and 8
connections; after each run the same relay gets as many mails that were rendered before, over as many connections, by a
loop that does nothing else. A target that was missed is shown, and is no failure.
"""

import argparse
import asyncio
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg
import orjson
import psutil

from benchmarks.machine import described, machine
from benchmarks.runs import running
from benchmarks.servers import LoopProcess, Servers, Workspace, running_servers
from benchmarks.standalone import run_standalone
from benchmarks.workload import Message
from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.kafka import topics
from shared.web.examples import examples
from tenure.local.part import Part
from tenure.local.ports import HOST, free_port
from tenure.local.service import Service

RESULTS: Final = Path("build/mails.json")
WANTED: Final = {"mails_per_second": 600, "of_rendered_before": 0.6, "messages_per_second": 8_000}
CONNECTIONS: Final = (1, 4, 8)
_ENVELOPE: Final = b"MAIL FROM:<a@tenure.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
_EXAMPLE: Final = "tenure.subscription.activated.v1"
_LONGEST_SECONDS: Final = 600
_POLL_SECONDS: Final = 0.02
_ENDED: Final = (
    "SELECT coalesce(sum(count), 0)::bigint, coalesce(sum(count) FILTER (WHERE status = 'delivered'), 0)::bigint"
    " FROM notification_tally WHERE channel = $1"
)
"""From the counts: to look at all notifications every 20 ms would take time from what is measured."""
_HAS_TABLE: Final = "SELECT to_regclass('notification_tally') IS NOT NULL"
_NOTHING: Final = zlib.compress(b"")
_KEPT: Final = "SELECT content FROM kept_mail LIMIT 1"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mails", description=__doc__)
    parser.add_argument("--mails", type=int, default=4_000, help="emails of each run")
    parser.add_argument("--messages", type=int, default=40_000, help="events of the run without emails")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind, of which the median is told")
    options = parser.parse_args(arguments)
    return run_standalone(partial(_measure, options=options), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, options: argparse.Namespace) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {}
    async with running_servers(folder) as servers:
        for _ in range(options.rounds):
            for connections in CONNECTIONS:
                found = await _emails(servers, options.mails, connections)
                runs.setdefault(f"emails, {connections} connections", []).append(found)
            runs.setdefault("messages alone", []).append(await _messages(servers, options.messages))
    return {"machine": machine(), "runs": runs}


async def _emails(servers: Servers, count: int, connections: int) -> dict[str, float]:
    """Of one run: mails per second, processor time per mail, and how that compares with mails rendered before."""
    port = free_port()
    workspace = await _filled(servers, count)
    sink = LoopProcess("benchmarks.mail_sink", workspace, str(port))
    async with running(sink):
        smtp = {"TENURE_SMTP_PORT": str(port), "TENURE_SMTP_CONNECTIONS": str(connections)}
        seconds, used, content = await _until_told(workspace, "email", count, smtp)
        before = await _send_rendered(content, count, port, connections)
    await servers.drop(workspace)
    return {
        "per_second": count / seconds,
        "cpu_microseconds": used / count * 1e6,
        "of_rendered_before": before / seconds,
        "mail_bytes": len(content),
    }


async def _messages(servers: Servers, count: int) -> dict[str, float]:
    workspace = await _filled(servers, count)
    seconds, used, _ = await _until_told(workspace, "inbox", count, {"TENURE_DELIVERY": "inbox"})
    await servers.drop(workspace)
    return {"per_second": count / seconds, "cpu_microseconds": used / count * 1e6}


async def _filled(servers: Servers, count: int) -> Workspace:
    """A workspace whose lifecycle topic holds the purchases of so many accounts."""
    workspace = await servers.workspace("mails")
    await topics.ensure([LIFECYCLE, OUTCOMES], workspace.settings)
    await workspace.publish(_purchases(count))
    return workspace


def _purchases(count: int) -> Iterator[Message]:
    """The contract's example, of one account after the other, in English and Chinese by turns."""
    example, now = examples()[_EXAMPLE], datetime.now(UTC).isoformat()
    for number in range(count):
        account = f"acct-{number:08}"
        contact = example["data"]["contact"] | {
            "email": f"{account}@example.com",
            "locale": ("en", "zh-CN")[number % 2],
        }
        data = example["data"] | {"account_id": account, "contact": contact}
        moved = {"id": f"{account}:1", "subject": account, "time": now, "recordedat": now, "data": data}
        yield Message(LIFECYCLE, account, f"{account}:1", orjson.dumps(example | moved))


async def _until_told(
    workspace: Workspace, channel: str, count: int, environment: dict[str, str]
) -> tuple[float, float, bytes]:
    """Seconds from the first notification that ended to the last, the process's own seconds, and one of the mails."""
    service = Service(
        "notifier", workspace.folder, port=free_port(), command=[sys.executable, "-m", "notifier_service"]
    )
    relay = {"TENURE_SMTP_HOST": HOST, "TENURE_SMTP_TLS": "none", "TENURE_MAIL_FROM": "renewals@tenure.example"}
    service.use_environment({**workspace.environment, **relay, **environment})
    async with running(service) as part:
        connection = await asyncpg.connect(workspace.database_url, server_settings={"search_path": "notifier"})
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await _times(connection, part, channel, count)
        finally:
            await connection.close()


async def _times(connection: asyncpg.Connection, part: Part, channel: str, count: int) -> tuple[float, float, bytes]:
    process = psutil.Process(part.pid)
    while not await connection.fetchval(_HAS_TABLE):
        await asyncio.sleep(_POLL_SECONDS)
    while not (first := (await connection.fetchrow(_ENDED, channel))[0]):
        await asyncio.sleep(_POLL_SECONDS)
    began, used = time.perf_counter(), sum(process.cpu_times()[:2])
    while (row := await connection.fetchrow(_ENDED, channel))[0] < count:
        await asyncio.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - began
    if row[1] != count:
        raise RuntimeError(f"of {count} only {row[1]} were delivered")
    if first == count:
        raise RuntimeError(f"{count} were over before they could be timed; choose more")
    share = count / (count - first)
    spent = sum(process.cpu_times()[:2]) - used
    return seconds * share, spent * share, zlib.decompress(await connection.fetchval(_KEPT) or _NOTHING)


async def _send_rendered(content: bytes, count: int, port: int, connections: int) -> float:
    """Seconds to send this mail so often, by a loop that does nothing else."""
    shares = [count // connections + (place < count % connections) for place in range(connections)]
    began = time.perf_counter()
    await asyncio.gather(*(_send_over_one(content, share, port) for share in shares))
    return time.perf_counter() - began


async def _send_over_one(content: bytes, count: int, port: int) -> None:
    """One connection, with the same commands in one write as the notifier's, since the relay offers PIPELINING."""
    reader, writer = await asyncio.open_connection(HOST, port)
    await reader.readline()
    for data, replies in ((_ENVELOPE, 3), (content + b"\r\n.\r\n", 1)) * count:
        writer.write(data)
        for _ in range(replies):
            await reader.readline()
    writer.close()


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{described(found['machine'])} Load average {found['machine']['load']}. Medians; wanted: {WANTED}")
    for name, runs in found["runs"].items():
        medians = {figure: round(median(run[figure] for run in runs), 2) for figure in runs[0]}
        print(f"  {name}: {medians}")
