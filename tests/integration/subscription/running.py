"""One copy of the subscription service in this process, in moved time, and what a test says to it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.contracts.clock import CLOCK_ADVANCED
from shared.contracts.topics import STATE, TEST_CLOCK, TEST_CLOCK_SETTLED, TOPIC_OF_TYPE
from shared.runtime.service import run
from shared.runtime.settings import Settings
from subscription_service.app import SubscriptionService
from tenure.local.ports import free_port

SECRET: Final = "only for tests, and long enough for HS256"
PATIENCE: Final = 30.0
START: Final = datetime(2026, 1, 31, 1, tzinfo=UTC)
CONTACT: Final = {"name": "Ada", "email": "ada@example.com", "locale": "en", "time_zone": "Europe/Berlin"}


def specification(edition: str = "advanced", servers: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "edition": edition,
        "protection_mode": "full",
        "protected_servers": servers,
        "cores": 0,
        "value_added": {"anti_ransomware_gb": 100},
    } | changes


def purchase(order_id: str = "p-1", **changes: Any) -> dict[str, Any]:
    """The data of a purchase of one month."""
    return {
        "order_id": order_id,
        "contact": CONTACT,
        "specification": specification(),
        "duration_months": 1,
        "auto_renewal": False,
        "terms_accepted": True,
    } | changes


def bearer(scope: str = "operator") -> dict[str, str]:
    claims = {"sub": "ops", "scope": scope, "exp": datetime.now(UTC) + timedelta(minutes=5)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


class Running:
    """The copy from outside: topics and HTTP. Its time is `now` and moves only by `settle`."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.now = START
        url = f"http://{settings.http_host}:{settings.http_port}"
        self.client = httpx.AsyncClient(base_url=url, trust_env=False, headers=bearer())
        self._producer = producer

    async def say(self, account_id: str, event: str, /, **data: Any) -> None:
        """Publish an event in: its type without `tenure.` and `.v1`."""
        name = f"tenure.{event}.v1"
        await self._publish(TOPIC_OF_TYPE[name], name, {"account_id": account_id} | data, account_id)

    async def settle(self, now: datetime | None = None) -> None:
        """Everything said so far is applied, the clock moved, and all that follows published."""
        self.now = now or self.now
        advance = await self._publish(TEST_CLOCK, CLOCK_ADVANCED, {"now": self.now.isoformat()}, "clock")
        async with asyncio.timeout(PATIENCE):
            while advance not in [one["data"]["advance_id"] for one in await self.on_topic(TEST_CLOCK_SETTLED)]:
                await asyncio.sleep(0.05)

    async def on_topic(self, topic: str) -> list[Any]:
        """Every document on the topic, `read_committed`."""
        servers, name = self.settings.kafka_bootstrap_servers, f"{self.settings.topic_prefix}{topic}"
        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=servers, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[Any] = []
            while [one for one, end in ends.items() if await consumer.position(one) < end]:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [json.loads(record.value) for record in records]
            return found
        finally:
            await consumer.stop()

    async def overviews(self, account_id: str) -> list[dict[str, Any]]:
        """The account's documents on `subscription-state`, in order."""
        return [one for one in await self.on_topic(STATE) if one["account_id"] == account_id]

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """What an operator reads below `/api/accounts/`."""
        answer = await self.client.get(f"/api/accounts/{path}", params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def ready(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._answers_ready():
                await asyncio.sleep(0.05)

    async def _answers_ready(self) -> bool:
        try:
            return (await self.client.get("/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def _publish(self, topic: str, name: str, data: dict[str, Any], subject: str) -> str:
        event = {"specversion": "1.0", "id": f"e-{uuid.uuid4().hex}", "source": "/test", "type": name}
        whole = event | {"time": self.now.isoformat(), "subject": subject, "data": data}
        topic = f"{self.settings.topic_prefix}{topic}"
        await self._producer.send_and_wait(topic, json.dumps(whole).encode(), key=subject.encode())
        return event["id"]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """A copy of its own until the block ends, ready."""
    mine = settings.model_copy(update={"http_port": free_port(), "test_clock": START})
    doing = asyncio.ensure_future(run(SubscriptionService(mine), mine))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    made = Running(mine, producer)
    try:
        await made.ready()
        yield made
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        await producer.stop()
        await made.client.aclose()
