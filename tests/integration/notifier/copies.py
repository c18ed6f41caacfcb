"""One copy of the notifier in this process on real Kafka, PostgreSQL and SMTP, and what a test says to it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream.kafka import KafkaBroker
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

import notifier_service
from notifier_service import parts
from notifier_service.description import describe
from notifier_service.figures import notifications
from notifier_service.handlers import READS, SERVICE
from notifier_service.parts import Parts, Spine
from shared import database, log, topics
from shared.auth import Guard
from shared.clock import SystemClock, TestClock
from shared.consuming import Intake
from shared.health import Health
from shared.http import Edge, build_http
from shared.leading import lead
from shared.metrics import Metrics, standing
from shared.migrations import migrate
from shared.relay import Relay
from shared.settings import Settings
from shared.topics import LIFECYCLE, NOTIFICATION_DEAD_LETTERS, OUTCOMES

SECRET: Final = "only for tests, and long enough for HS256"
SCHEMA: Final = "notifier"
SCRIPTS: Final = Path(notifier_service.__file__).parent / "migrations"
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
    """A running copy: its parts, its HTTP, its tables."""

    def __init__(self, made: Parts, client: httpx.AsyncClient, engine: AsyncEngine, health: Health) -> None:
        self.parts = made
        self.client = client
        self.engine = engine
        self.health = health

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
        await self.parts.settle()

    async def status(self, account_id: str, channel: str = "email") -> list[tuple[str, str, str | None]]:
        """(kind, status, reason) of each decision on the channel, the oldest first."""
        found = await self.decisions(account_id)
        return [(one["kind"], one["status"], one["reason"]) for one in reversed(found) if one["channel"] == channel]


@asynccontextmanager
async def copy(settings: Settings) -> AsyncIterator[Copy]:
    """Run one copy until the block ends."""
    engine = database.connect(settings.database_url.get_secret_value(), SCHEMA)
    health = Health(*parts.HEALTH)
    await migrate(engine, SCHEMA, SCRIPTS)
    counts = await topics.ensure([LIFECYCLE, OUTCOMES, NOTIFICATION_DEAD_LETTERS], settings)
    outputs = {name: count for name, count in counts.items() if name != LIFECYCLE}
    async with database.transaction(engine) as connection:
        await log.fix_partitions(connection, outputs)
        if settings.test_clock:
            await TestClock.start(connection, settings.test_clock)
    looks = [standing(health, test_clock=settings.test_clock is not None)]
    metrics = Metrics(engine, readings=[notifications], looks=looks)
    made = _parts(settings, engine, health, metrics.registry, outputs)
    intake = Intake([LIFECYCLE], settings=settings, engine=engine, applier=made.apply, health=health)
    broker = KafkaBroker(settings.kafka_bootstrap_servers, logger=None)
    intake.subscribe(broker, "tenure-notifier")
    tasks = [asyncio.ensure_future(duty()) for duty in (*made.duties, _relaying(settings, engine, health))]
    await broker.start()
    async with _http(settings, engine, health, metrics, made) as client:
        try:
            yield Copy(made, client, engine, health)
        finally:
            await made.stop()
            await broker.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.dispose()


def _parts(
    settings: Settings, engine: AsyncEngine, health: Health, registry: CollectorRegistry, outputs: Mapping[str, int]
) -> Parts:
    spine = Spine(
        settings=settings,
        schema=SCHEMA,
        engine=engine,
        clock=TestClock() if settings.test_clock else SystemClock(),
        health=health,
        partitions=outputs,
        registry=registry,
    )
    return parts.build(spine)


def _relaying(settings: Settings, engine: AsyncEngine, health: Health) -> Callable[[], Awaitable[None]]:
    wake = asyncio.Event()
    relay = Relay(SERVICE, settings=settings, engine=engine, wake=wake, health=health)
    url = settings.database_url.get_secret_value()
    return lambda: lead(relay.run, url=url, schema=SCHEMA, wake=wake, health=health)


@asynccontextmanager
async def _http(
    settings: Settings, engine: AsyncEngine, health: Health, metrics: Metrics, made: Parts
) -> AsyncIterator[httpx.AsyncClient]:
    edge = Edge(
        service=SERVICE,
        version="0",
        settings=settings,
        engine=engine,
        health=health,
        guard=Guard(settings),
        metrics=metrics.exposition,
        asyncapi=describe("0", settings),
    )
    http = build_http(edge)
    made.serve(http)
    transport = httpx.ASGITransport(app=http)
    async with httpx.AsyncClient(transport=transport, base_url="http://notifier") as client:
        yield client


__all__ = ["READS", "SECRET", "Copy", "World", "account", "bearer", "copy", "event", "eventually"]
