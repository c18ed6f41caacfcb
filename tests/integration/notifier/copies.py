"""One copy of the notifier in this process on real Kafka, PostgreSQL and SMTP, and what a test says to it."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from notifier_service.app import NOTIFIER
from notifier_service.storage import leases
from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.runtime.settings import Settings
from shared.storage import database
from shared.storage.database import Engine
from shared.testclock.clock import TestClock
from tests.kit import events
from tests.kit.events import FULL
from tests.kit.service import RunningService, running_service
from tests.kit.tokens import bearer, operator
from tests.kit.topics import read_to_end
from tests.kit.waiting import eventually

SCHEMA: Final = "notifier"
RELAY: Final = "mail"
"""The name under which `/ready` tells that the mail relay is away."""
CONTACT: Final = events.CONTACT | {"name": "Ada", "email": "ada@example.com", "time_zone": "Europe/Berlin"}
SPECIFICATION: Final = FULL | {"edition": "advanced", "cores": 0}
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
        """The records of a topic, `read_committed`, once there are `count`."""

        async def enough() -> list[Any] | None:
            name = f"{self.settings.topic_prefix}{topic}"
            found = await read_to_end(self.settings.kafka_bootstrap_servers, name)
            return found if len(found) >= count else None

        return await eventually(enough) or []

    async def outcomes(self, count: int) -> list[dict[str, Any]]:
        return [json.loads(one.value) for one in await self.on_topic(OUTCOMES, count)]


class Copy:
    """A running copy: its HTTP and its tables."""

    def __init__(self, running: RunningService, engine: Engine) -> None:
        self.client = running.client
        self.engine = engine
        self._running = running

    async def reads(self) -> bool:
        """Whether all but the mail relay is well. Raises what ended the copy."""
        return await self._running.is_ready(but_for=[RELAY])

    async def inbox(self, account_id: str, **parameters: Any) -> Any:
        return (await self.client.get("/api/inbox", headers=bearer(account_id), params=parameters)).json()

    async def decisions(self, account_id: str | None = None, **parameters: Any) -> list[dict[str, Any]]:
        asked = ({"account_id": account_id} if account_id else {}) | parameters
        answer = await self.client.get("/api/notifications", headers=operator(), params=asked)
        return [] if answer.status_code == 404 else list(answer.raise_for_status().json()["notifications"])

    async def move_clock(self, now: datetime) -> None:
        """As the barrier does: move, then wait for all that is due."""
        async with database.transaction(self.engine) as connection:
            await TestClock.move(connection, now)
        await eventually(self.settled)

    async def settled(self) -> bool:
        async with database.transaction(self.engine) as connection:
            return not await leases.pending(connection, await TestClock().now(connection))

    async def status(self, account_id: str, channel: str = "email") -> list[tuple[str, str, str | None]]:
        """(kind, status, reason) of each decision on the channel, the oldest first."""
        found = await self.decisions(account_id)
        return [(one["kind"], one["status"], one["reason"]) for one in reversed(found) if one["channel"] == channel]


@asynccontextmanager
async def copy(settings: Settings) -> AsyncIterator[Copy]:
    """Run one copy in this process until the block ends; it can be asked as soon as it is ready, relay or not."""
    async with running_service(NOTIFIER, settings, but_for=[RELAY]) as running:
        engine = database.connect(settings.database_url.get_secret_value(), SCHEMA)
        try:
            yield Copy(running, engine)
        finally:
            await engine.dispose()
