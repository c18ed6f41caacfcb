"""The operations page inside the test process, on a real Kafka, and records for it as the services publish them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.ops.service import run
from tests.kit import http
from tests.kit.ports import free_port
from tests.kit.tokens import operator
from tests.kit.waiting import eventually


class Publisher:
    """Puts records on topics, each in a committed transaction of its own."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        self._producer = producer
        self._settings = settings

    async def put(
        self,
        topic: str,
        value: Mapping[str, Any] | bytes | None,
        *,
        key: str = "key",
        headers: Mapping[str, str] | None = None,
        commit: bool = True,
    ) -> str:
        """One record; where it lies, as `TOPIC:PARTITION:OFFSET`."""
        content = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        added = [(name, text.encode()) for name, text in (headers or {}).items()]
        await self._producer.begin_transaction()
        sent = await self._producer.send_and_wait(
            name_of(topic, self._settings), content, key=key.encode(), headers=added
        )
        await (self._producer.commit_transaction() if commit else self._producer.abort_transaction())
        return f"{topic}:{sent.partition}:{sent.offset}"


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Publisher]:
    """A publisher on the settings' broker and prefix."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        transactional_id=f"{settings.topic_prefix}test",
        enable_idempotence=True,
    )
    await producer.start()
    try:
        yield Publisher(producer, settings)
    finally:
        await producer.stop()


@asynccontextmanager
async def running_page(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The page on a free port, with an operator's token, until the block ends; it has read all there is."""
    ours = settings.model_copy(update={"http_port": free_port()})
    task = asyncio.ensure_future(run(ours))
    url = f"http://{ours.http_host}:{ours.http_port}"
    try:
        async with http.client(base_url=url, headers=operator()) as client:
            await eventually(lambda: _is_live(client, task))
            yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def shows(client: httpx.AsyncClient, *texts: str, path: str = "/ops") -> bool:
    """Whether the page has all these texts now."""
    shown = (await client.get(path)).raise_for_status().text
    return all(text in shown for text in texts)


async def _is_live(client: httpx.AsyncClient, task: "asyncio.Future[None]") -> bool:
    if task.done():
        task.result()
    try:
        return await shows(client, "Up to date")
    except httpx.HTTPError:
        return False
