"""One copy of the notifier in this process on real Kafka, PostgreSQL and SMTP, and what a test says to it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from notifier_service.app import Notifier
from notifier_service.delivery import leases
from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.runtime.service import run
from shared.runtime.settings import Settings
from shared.storage import database
from shared.storage.database import Engine
from shared.testclock.clock import TestClock
from tenure.local.ports import free_port

SECRET: Final = "only for tests, and long enough for HS256"
SCHEMA: Final = "notifier"
PATIENCE: Final = 20.0
CONTACT: Final = {"name": "Ada", "email": "ada@example.com", "locale": "en", "time_zone": "Europe/Berlin"}
SPECIFICATION: Final = {
    "edition": "advanced",
    "protection_mode": "full",
    "protected_servers": 3,
    "cores": 0,
    "value_added": {},
}
TERM: Final = {
    "order_id": "ord-1",
    "starts_at": "2026-11-01T00:00:00Z",
    "ends_at": "2099-12-01T16:00:00Z",
    "expires_on": "2099-12-01",
    "months": 1,
    "specification": SPECIFICATION,
}
ENDING: Final = {"expires_on": "2099-12-01", "ends_at": "2099-12-01T16:00:00Z"}
DATA: Final[Mapping[str, Mapping[str, Any]]] = {
    "activated": {"order_id": "ord-1", "contact": CONTACT, "term": TERM, "specification": SPECIFICATION, **ENDING}
    | {"auto_renewal": None},
    "renewed": {"order_id": "ord-2", "method": "manual", "term": TERM, **ENDING, "reactivated": False},
    "renewal_due": {**ENDING, "days_left": 7, "quote": {"months": 1, "fee": "28.50", "currency": "USD"}}
    | {"obstacles": [], "auto_renewal": "off"},
    "quota_exceeded": {"protection_mode": "full", "servers": {"registered": 5, "quota": 3}, "cores": None},
    "quota_restored": {"protection_mode": "full", "servers": {"registered": 3, "quota": 3}, "cores": None},
    "contact_changed": {"contact": CONTACT},
    "renewal_declined": {},
    "order_rejected": {"order_id": "ord-9", "order_type": "tenure.renewal.ordered.v1", "code": "not_subscribed"}
    | {"message": "There is no subscription.", "required": None, "offered": None, "contact": None},
}


def event(kind: str, account: str, version: int, **data: Any) -> dict[str, Any]:
    """A lifecycle event as the subscription service publishes it."""
    now = datetime.now(UTC).isoformat()
    stamp = {
        "account_id": account,
        "subscription_id": "sub-1",
        "version": version,
        "cause": {"type": "tenure.purchase.ordered.v1", "id": "evt-1"},
        "actor": "user",
    }
    return {
        "specversion": "1.0",
        "id": f"evt-{uuid.uuid4().hex}",
        "source": "/tenure/subscription",
        "type": f"tenure.subscription.{kind}.v1",
        "time": now,
        "subject": account,
        "recordedat": now,
        "data": stamp | dict(DATA[kind]) | data,
    }


def account() -> str:
    """An account that no other test has."""
    return f"acc-{uuid.uuid4().hex[:8]}"


def bearer(account_id: str, scope: str = "") -> dict[str, str]:
    claims = {"sub": account_id, "scope": scope, "exp": datetime.now(UTC) + timedelta(minutes=5)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """What `look` gives once it is true. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found


class World:
    """The outside of the notifier: its topics and its mails."""

    def __init__(self, settings: Settings, mail_url: str) -> None:
        self.settings = settings
        self.mail = httpx.AsyncClient(base_url=mail_url, trust_env=False)

    async def publish(self, *events: dict[str, Any] | bytes, topic: str = LIFECYCLE) -> None:
        """Put events, or bytes that are none, on a topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            for one in events:
                value = one if isinstance(one, bytes) else json.dumps(one).encode()
                key = None if isinstance(one, bytes) else one["subject"].encode()
                await producer.send_and_wait(f"{self.settings.topic_prefix}{topic}", value, key=key)
        finally:
            await producer.stop()

    async def mails(self, recipient: str = "") -> list[dict[str, Any]]:
        found = (await self.mail.get("/api/messages")).json()
        return [one for one in found if not recipient or recipient in one["rcpt_to"]]

    async def raw(self, mail_id: str) -> bytes:
        return (await self.mail.get(f"/api/messages/{mail_id}")).content

    async def misbehave(self, **behaviour: Any) -> None:
        (await self.mail.post("/api/behaviour", json=behaviour)).raise_for_status()

    async def on_topic(self, topic: str, count: int) -> list[Any]:
        """The first `count` records of a topic, `read_committed`; fewer when no more come."""
        consumer = AIOKafkaConsumer(
            f"{self.settings.topic_prefix}{topic}",
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await consumer.start()
        found: list[Any] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += records
        finally:
            await consumer.stop()
        return found

    async def outcomes(self, count: int) -> list[dict[str, Any]]:
        return [json.loads(one.value) for one in await self.on_topic(OUTCOMES, count)]


class Copy:
    """A running copy: its HTTP and its tables."""

    def __init__(self, client: httpx.AsyncClient, engine: Engine, running: asyncio.Future[None]) -> None:
        self.client = client
        self.engine = engine
        self._running = running

    async def reads(self) -> bool:
        """Whether all but the mail relay is well. Raises what ended the copy."""
        if self._running.done():
            self._running.result()
        try:
            troubles = (await self.client.get("/ready")).json()["troubles"]
        except httpx.TransportError:
            return False
        return not troubles.keys() - {"mail"}

    async def inbox(self, account_id: str, **parameters: Any) -> Any:
        return (await self.client.get("/api/inbox", headers=bearer(account_id), params=parameters)).json()

    async def decisions(self, account_id: str | None = None, **parameters: Any) -> list[dict[str, Any]]:
        asked = ({"account_id": account_id} if account_id else {}) | parameters
        answer = await self.client.get("/api/notifications", headers=bearer("ops", "operator"), params=asked)
        return [] if answer.status_code == 404 else list(answer.raise_for_status().json()["notifications"])

    async def move_clock(self, now: datetime) -> None:
        """As the barrier does: move, then wait for all that is due."""
        async with database.transaction(self.engine) as connection:
            await TestClock.move(connection, now)
        await eventually(self.settled)

    async def settled(self) -> bool:
        async with database.transaction(self.engine) as connection:
            return not await leases.unsettled(connection, await TestClock().now(connection))

    async def status(self, account_id: str, channel: str = "email") -> list[tuple[str, str, str | None]]:
        """(kind, status, reason) of each decision on the channel, the oldest first."""
        found = await self.decisions(account_id)
        return [(one["kind"], one["status"], one["reason"]) for one in reversed(found) if one["channel"] == channel]


@asynccontextmanager
async def copy(settings: Settings) -> AsyncIterator[Copy]:
    """Run one copy in this process until the block ends; it can be asked as soon as it is ready, relay or not."""
    mine = settings.model_copy(update={"http_port": free_port()})
    running = asyncio.ensure_future(run(Notifier(mine), mine))
    engine = database.connect(settings.database_url.get_secret_value(), SCHEMA)
    url = f"http://{mine.http_host}:{mine.http_port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        made = Copy(client, engine, running)
        try:
            await eventually(made.reads)
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await engine.dispose()
