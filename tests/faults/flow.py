"""A steady flow of events into a running stack, and what must have come out of it in the end."""

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

NOW = "2026-01-05T00:00:00Z"
EVENTS_AN_ACCOUNT = 5
SAID_AN_ACCOUNT = 2
SPECIFICATION = {
    "edition": "enterprise",
    "protection_mode": "partial",
    "protected_servers": 2,
    "cores": 4,
    "value_added": {},
}


class Running:
    """A stack that `tenure up` runs; its ready file is read anew, since processes are replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def ready(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._file.read_text())
        return document

    def kill(self, service: str) -> None:
        """SIGKILL every copy, as it is now."""
        for pid in self.ready["pids"][service]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @asynccontextmanager
    async def away(self, part: str) -> AsyncIterator[None]:
        """The part stands still, with its children: it takes connections, and answers nothing."""
        parents = [psutil.Process(pid) for pid in self.ready["pids"][part]]
        family = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    async def is_ready(self, url: str) -> bool:
        """What the service at `<url>_url` says of itself."""
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.get(f"{self.ready[f'{url}_url']}/ready")).status_code == 200


@asynccontextmanager
async def stack(folder: Path, *options: str) -> AsyncIterator[Running]:
    """`tenure up` as a user starts it; ended with SIGINT, and its exit code must be 0."""
    file = folder / "ready.json"
    command = ["-m", "tenure", "up", "--ready-file", str(file), "--test-clock", NOW, "--data", str(folder / "data")]
    with (folder / "up.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *options, stdout=output, stderr=output, start_new_session=True
        )
        try:
            async with asyncio.timeout(120):
                while not file.exists():
                    assert process.returncode is None, (folder / "up.log").read_text()
                    await asyncio.sleep(0.1)
            yield Running(file)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            code = await asyncio.wait_for(process.wait(), 60)
    assert code == 0, (folder / "up.log").read_text()[-2000:]


def event(number: int) -> tuple[str, str, bytes]:
    """Topic, account and value: a purchase, its renewal and three servers for each account."""
    account, kind = f"flow-{number // EVENTS_AN_ACCOUNT}", number % EVENTS_AN_ACCOUNT
    order = {"order_id": f"order-{number}", "account_id": account, "duration_months": 1, "terms_accepted": True}
    if kind == 0:
        contact = {"name": "Ann", "email": f"{account}@example.com", "locale": "en", "time_zone": "UTC"}
        data = {**order, "contact": contact, "specification": SPECIFICATION, "auto_renewal": False}
        return "purchases", account, _envelope(number, "tenure.purchase.ordered.v1", data)
    if kind == 1:
        return "renewals", account, _envelope(number, "tenure.renewal.ordered.v1", order)
    server = {"account_id": account, "server_id": f"server-{kind}", "cores": 4}
    return "server-inventory", account, _envelope(number, "tenure.server.registered.v1", server)


def _envelope(number: int, type_: str, data: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "/faults",
            "type": type_,
            "time": NOW,
            "subject": data["account_id"],
            "data": data,
        }
    ).encode()


async def feed(running: Running, count: int, *, a_second: float) -> int:
    """Publish `count` events at a pace, every 20th twice; returns how many records that made.

    The producer is idempotent, and one that the broker's death has broken is replaced: what is not known to have
    arrived is sent again, which is a duplicate at worst.
    """
    sent = 0
    number = 0
    while number < count:
        with suppress(KafkaError, OSError):
            async with asyncio.timeout(60), _producer(running) as producer:
                while number < count:
                    topic, account, value = event(number)
                    for _ in range(2 if number % 20 == 0 else 1):
                        await producer.send_and_wait(topic, value, key=account.encode())
                        sent += 1
                    number += 1
                    await asyncio.sleep(1 / a_second)
        await asyncio.sleep(0.2)
    return sent


@asynccontextmanager
async def _producer(running: Running) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=running.ready["kafka"], enable_idempotence=True, linger_ms=2)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


@dataclass
class Seen:
    """The lifecycle topic as a `read_committed` reader saw it."""

    sequences: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def count(self) -> int:
        return sum(len(each) for each in self.versions.values())


async def read_lifecycle(running: Running, expected: int, *, seconds: float) -> Seen:
    """Read from the beginning until `expected` events were seen and nothing more comes for a second."""
    seen = Seen()
    consumer = AIOKafkaConsumer(
        "subscription-lifecycle",
        bootstrap_servers=running.ready["kafka"],
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(seconds):
            quiet = False
            while seen.count < expected or not quiet:
                batches = await consumer.getmany(timeout_ms=1000)
                quiet = not batches
                for partition, records in batches.items():
                    for record in records:
                        said = json.loads(record.value)
                        seen.sequences[partition.partition].append(said["sequence"])
                        seen.versions[said["subject"]].append(said["data"]["version"])
    finally:
        await consumer.stop()
    return seen


async def mails(running: Running, expected: int, *, seconds: float) -> list[str]:
    """The Message-IDs of all mails, once as many different ones as expected have come."""
    found: list[str] = []
    async with asyncio.timeout(seconds), httpx.AsyncClient(timeout=60) as client:
        while len(set(found)) < expected:
            await asyncio.sleep(0.5)
            answer = await client.get(f"{running.ready['mail_url']}/api/messages")
            found = [message["headers"]["Message-ID"] for message in answer.json()]
    return found


async def accounted(running: Running) -> dict[str, float]:
    """`tenure_events_total` summed by topic."""
    sums: dict[str, float] = defaultdict(float)
    async with httpx.AsyncClient(timeout=30) as client:
        text = (await client.get(f"{running.ready['subscription_url']}/metrics")).text
    for line in text.splitlines():
        if line.startswith("tenure_events_total{"):
            sums[line.split('topic="')[1].split('"')[0]] += float(line.rsplit(" ", 1)[1])
    return sums


async def all_ready(running: Running) -> None:
    """Wait until both services are ready again."""
    async with asyncio.timeout(90):
        while not (await running.is_ready("subscription") and await running.is_ready("notifier")):
            await asyncio.sleep(0.5)


async def nothing_lost_or_doubled(running: Running, events: int) -> None:
    """Every event was said once, in order, and has its one mail."""
    said = events // EVENTS_AN_ACCOUNT * SAID_AN_ACCOUNT
    seen = await read_lifecycle(running, said, seconds=120)
    assert seen.count == said
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.sequences.values())
    assert all(versions == [1, 2] for versions in seen.versions.values())
    assert len(set(await mails(running, said, seconds=180))) == said
