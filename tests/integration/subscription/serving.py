"""Copies of the subscription service in this process, and the outside of it: its topics, and the HTTP of one copy.

Its time begins at the settings' `test_clock` and moves by `World.settle` alone, whose barrier also makes sure that all
inputs were read: no test waits for the clock on the wall.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, STATE, TEST_CLOCK, TEST_CLOCK_SETTLED, TOPIC_OF_TYPE
from shared.runtime.settings import Settings
from subscription_service.app import SUBSCRIPTION
from tenure.story.metrics import by_outcome
from tests.kit.events import START, event
from tests.kit.service import RunningService, running_service
from tests.kit.tokens import operator
from tests.kit.topics import read_topic
from tests.kit.waiting import eventually

PARTITIONS: Final = 3


class World:
    """The topics of the service, and the HTTP of `copy`; None while no copy runs."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, copy: RunningService | None) -> None:
        self.settings = settings
        self.now = settings.test_clock or START
        self._producer = producer
        self._copy = copy

    @property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client of the first copy."""
        assert self._copy is not None, "no copy runs"
        return self._copy.client

    def name(self, topic: str) -> str:
        """The topic's name on the broker."""
        return f"{self.settings.topic_prefix}{topic}"

    async def publish(self, *events: dict[str, Any], partition: int | None = None) -> None:
        """Put events on their topics, keyed by account, in this order."""
        for one in events:
            topic, key = self.name(TOPIC_OF_TYPE[one["type"]]), one["subject"].encode()
            await self._producer.send_and_wait(topic, json.dumps(one).encode(), key=key, partition=partition)

    async def send(self, account_id: str, type_: str, /, **data: Any) -> None:
        """Publish one event of this type about the account, with the clock's time."""
        await self.publish(event(type_, self.now, account_id=account_id, **data))

    async def publish_raw(
        self, topic: str, value: bytes | None, *, headers: Sequence[tuple[str, bytes]] = (), key: bytes | None = None
    ) -> None:
        """Put a record on the topic as it is; it may have neither key nor value."""
        batch = self._producer.create_batch()  # unlike `send`, takes a record without key and value
        batch.append(key=key, value=value, timestamp=None, headers=list(headers))
        await (await self._producer.send_batch(batch, self.name(topic), partition=0))

    async def settle(self, now: datetime | None = None) -> None:
        """Move the clock (or ask at the same instant) and wait until all that was sent, and all due, is done."""
        self.now = max(self.now, now or self.now)
        advance = event("clock.advanced", self.now, account_id="test", now=self.now.isoformat())
        await self.publish_raw(TEST_CLOCK, json.dumps(advance).encode())

        async def settled() -> bool:
            return advance["id"] in [each["data"]["advance_id"] for each in await self.events(TEST_CLOCK_SETTLED)]

        await eventually(settled)

    async def ready(self) -> None:
        """Wait until the copy is ready again."""
        assert self._copy is not None, "no copy runs"
        await eventually(self._copy.is_ready)

    async def records(self, topic: str) -> list[Any]:
        """All that a `read_committed` reader finds on the topic now, partition by partition."""
        return await read_topic(self.settings.kafka_bootstrap_servers, self.name(topic))

    async def events(self, topic: str) -> list[dict[str, Any]]:
        """The JSON documents on the topic."""
        return [json.loads(record.value) for record in await self.records(topic)]

    async def lifecycle(self, account_id: str) -> list[dict[str, Any]]:
        """The account's lifecycle events, in order."""
        return [one for one in await self.events(LIFECYCLE) if one["subject"] == account_id]

    async def kinds(self, account_id: str) -> list[str]:
        """Their types, such as `renewed`."""
        return [one["type"].split(".")[2] for one in await self.lifecycle(account_id)]

    async def states(self, account_id: str) -> list[dict[str, Any]]:
        """The account's documents on `subscription-state`, in order."""
        return [one for one in await self.events(STATE) if one["account_id"] == account_id]

    async def dead_letters(self, account_id: str) -> list[str]:
        """The reasons of those that name this account."""
        found = [one for one in await self.records(DEAD_LETTERS) if account_id.encode() in (one.value or b"")]
        return [dict(one.headers)["dead-letter-reason"].decode() for one in found]

    async def counted(self) -> Counter[str]:
        """How many events in have come to which outcome, `parked` included (G4)."""
        return by_outcome((await self.client.get("/metrics")).text)

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """What an operator reads below `/api/accounts/`, answered with this status."""
        answer = await self.client.get(f"/api/accounts/{path}", params=parameters, headers=operator())
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def serving(settings: Settings, *, copies: int = 1) -> AsyncIterator[World]:
    """Run so many copies until the block ends; it begins when all are ready. The world's HTTP is the first's."""
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(running_service(SUBSCRIPTION, settings)) for _ in range(copies)]
        yield await stack.enter_async_context(outside(settings, running[0]))


@asynccontextmanager
async def outside(settings: Settings, copy: RunningService | None = None) -> AsyncIterator[World]:
    """The topics, whether or not a copy runs."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=True)
    await producer.start()
    try:
        yield World(settings, producer, copy)
    finally:
        await producer.stop()
