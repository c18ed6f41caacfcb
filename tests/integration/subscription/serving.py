"""One copy of the subscription service in this process, what a test says to it, and what can be seen of it outside.

Time stands still at `START` and moves by `World.settle`, whose barrier also makes sure that all inputs were read:
no test waits for the clock on the wall.
"""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from shared.contracts.topics import LIFECYCLE, TEST_CLOCK, TEST_CLOCK_SETTLED, TOPIC_OF_TYPE
from shared.runtime.service import run
from shared.runtime.settings import Settings
from subscription_service.app import SubscriptionService
from tenure.commands.token import token
from tenure.local.ports import free_port

SECRET: Final = "only for tests, and long enough for HS256"
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
PATIENCE: Final = 30.0
PARTITIONS: Final = 3
CONTACT: Final = {"name": "Ann", "email": "ann@example.com", "locale": "en", "time_zone": "UTC"}
SPECIFICATION: Final = {
    "edition": "enterprise",
    "protection_mode": "partial",
    "protected_servers": 2,
    "cores": 4,
    "value_added": {},
}


def account() -> str:
    """An account that no other test has."""
    return f"acct-{uuid.uuid4().hex[:10]}"


def unused(kind: str) -> str:
    """An id that no other event has."""
    return f"{kind}-{uuid.uuid4().hex[:10]}"


def event(type_: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    """An event of this type (without `tenure.` and `.v1`) with an id of its own."""
    return {
        "specversion": "1.0",
        "id": unused("evt"),
        "source": "/tests",
        "type": f"tenure.{type_}.v1",
        "time": at.isoformat(),
        "subject": data["account_id"],
        "data": data,
    }


def purchase(account_id: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    usual = {"order_id": unused("ord"), "contact": CONTACT, "specification": SPECIFICATION, "duration_months": 1}
    terms = {"auto_renewal": False, "terms_accepted": True}
    return event("purchase.ordered", at, account_id=account_id, **{**usual, **terms, **data})


def renewal(account_id: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    usual = {"order_id": unused("ord"), "duration_months": 1, "terms_accepted": True}
    return event("renewal.ordered", at, account_id=account_id, **{**usual, **data})


def credit(account_id: str, amount: str, **data: Any) -> dict[str, Any]:
    usual = {"entry_id": unused("entry"), "currency": "USD"}
    return event("account.credited", account_id=account_id, amount=amount, **{**usual, **data})


class World:
    """The outside of the service: its topics, and the HTTP of its first copy."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.client = client
        self.now = START
        self._producer = producer

    def name(self, topic: str) -> str:
        return f"{self.settings.topic_prefix}{topic}"

    async def publish(self, *events: dict[str, Any], partition: int | None = None) -> None:
        """Put events on their topics, keyed by account, in this order."""
        for one in events:
            topic, key = self.name(TOPIC_OF_TYPE[one["type"]]), one["subject"].encode()
            await self._producer.send_and_wait(topic, json.dumps(one).encode(), key=key, partition=partition)

    async def publish_raw(
        self, topic: str, value: bytes | None, *, headers: Sequence[tuple[str, bytes]] = (), key: bytes | None = None
    ) -> None:
        batch = self._producer.create_batch()  # unlike `send`, takes a record without key and value
        batch.append(key=key, value=value, timestamp=None, headers=list(headers))
        await (await self._producer.send_batch(batch, self.name(topic), partition=0))

    async def settle(self, now: datetime | None = None) -> None:
        """Move the clock (or ask at the same instant) and wait until all that was sent, and all due, is done."""
        self.now = max(self.now, now or self.now)
        advance = event("clock.advanced", self.now, account_id="test", now=self.now.isoformat())
        await self.publish_raw(TEST_CLOCK, json.dumps(advance).encode())
        async with asyncio.timeout(PATIENCE):
            while advance["id"] not in [one["data"]["advance_id"] for one in await self.events(TEST_CLOCK_SETTLED)]:
                await asyncio.sleep(0.05)

    async def events(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in await self.records(topic)]

    async def records(self, topic: str) -> list[Any]:
        """All that a `read_committed` reader finds on the topic now, partition by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            count = 2 if topic == TEST_CLOCK_SETTLED else PARTITIONS
            places = [TopicPartition(self.name(topic), number) for number in range(count)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            found: list[Any] = []
            while [place for place in places if await consumer.position(place) < ends[place]]:
                for records in (await consumer.getmany(timeout_ms=50)).values():
                    found += records
        finally:
            await consumer.stop()
        return found

    async def said(self, account_id: str) -> list[dict[str, Any]]:
        """The account's lifecycle events, in order."""
        return [one for one in await self.events(LIFECYCLE) if one["subject"] == account_id]

    async def kinds(self, account_id: str) -> list[str]:
        return [one["type"].split(".")[2] for one in await self.said(account_id)]

    async def dead_letters(self, account_id: str) -> list[str]:
        """The reasons of those that name this account."""
        found = [one for one in await self.records("dead-letters") if account_id.encode() in (one.value or b"")]
        return [dict(one.headers)["dead-letter-reason"].decode() for one in found]

    async def counted(self) -> Counter[str]:
        """How many events in have come to which end, `parked` included (G4)."""
        sums: Counter[str] = Counter()
        for family in text_string_to_metric_families((await self.client.get("/metrics")).text):
            for sample in family.samples:
                if sample.name == "tenure_events_total" and sample.labels["topic"] != TEST_CLOCK:
                    sums[sample.labels["outcome"]] += int(sample.value)
                if sample.name == "tenure_parked":
                    sums["parked"] += int(sample.value)
        return sums

    async def overview(self, account_id: str) -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {token('ops', SECRET, operator=True)}"}
        answer = await self.client.get(f"/api/accounts/{account_id}", headers=bearer)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@asynccontextmanager
async def serving(settings: Settings, *, copies: int = 1) -> AsyncIterator[World]:
    """Run so many copies until the block ends; it begins when all are ready. The world's HTTP is the first's."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_copy(settings)) for _ in range(copies)]
        yield await stack.enter_async_context(outside(settings, clients[0]))


@asynccontextmanager
async def outside(settings: Settings, client: httpx.AsyncClient | None = None) -> AsyncIterator[World]:
    """The topics, whether or not a copy runs."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=True)
    await producer.start()
    try:
        yield World(settings, producer, client or httpx.AsyncClient())
    finally:
        await producer.stop()


@asynccontextmanager
async def _copy(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    mine = settings.model_copy(update={"http_port": free_port()})
    running = asyncio.ensure_future(run(SubscriptionService(mine), mine))
    url = f"http://{mine.http_host}:{mine.http_port}"
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            await _until_ready(client, running)
            yield client
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until_ready(client: httpx.AsyncClient, running: "asyncio.Future[None]") -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if running.done():
                running.result()
            try:
                if (await client.get("/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
