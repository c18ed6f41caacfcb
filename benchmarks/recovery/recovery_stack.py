"""The local stack of `tenure up`, in which something dies and is started again, with everything that watches it."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from benchmarks.recovery.probes import PARTITIONS, Probes, new_account
from benchmarks.workload import Message, purchase_of
from shared.contracts.topics import LIFECYCLE, PURCHASES
from tenure.local.running import running
from tenure.local.service import Service
from tenure.local.stack import SERVICES, Stack, StackOptions
from tenure.story.metrics import assigned

_POLL_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 120
_HEARTBEATS_SECONDS: Final = 2.0
"""Deaths come at any moment between two heartbeats."""
_LEADER: Final = (
    "SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
    " AND application_name = 'tenure-subscription-lock'"
)
_LEASED: Final = "SELECT count(*) FROM notifier.notification WHERE status = 'sending'"


class RecoveryStack:
    """`probes`: those of the present round."""

    def __init__(self, local: Stack, client: httpx.AsyncClient) -> None:
        self.probes = Probes()
        self.local = local
        self._client = client

    def copies(self, service: str) -> Sequence[Service]:
        """All copies of this service."""
        return self.local.services[service]

    async def leader(self) -> Service:
        """The copy of the subscription service that publishes."""
        port = await self._until(lambda: self._fetch(_LEADER))
        return next(copy for copy in self.copies("subscription") if port in _ports_of(copy))

    async def publish(self, messages: Iterable[Message], *, one_each: bool = False) -> None:
        """Send to `purchases`; with `one_each`, message n to partition n. However long the broker is away."""
        producer = AIOKafkaProducer(bootstrap_servers=self.local.document()["kafka"], linger_ms=0)
        waiting = list(enumerate(messages))
        async with asyncio.timeout(_LONGEST_SECONDS):
            while waiting:
                with suppress(KafkaError, OSError):
                    await producer.start()
                    while waiting:
                        number, message = waiting[0]
                        partition = number if one_each else None
                        await producer.send_and_wait(PURCHASES, message.value, message.account_id.encode(), partition)
                        del waiting[0]
        await producer.stop()

    async def take_mails_in_hand(self, count: int) -> None:
        """Make so many mails that the notifier has leased and cannot deliver, and let the next ones pass."""
        behaviour = f"{self._mail_url}/api/behaviour"
        self.probes.in_hand += [new_account() for _ in range(count)]
        (await self._client.post(behaviour, json={"stage": "recipient", "delay": 300})).raise_for_status()
        await self.publish(purchase_of(account, datetime.now(UTC)) for account in self.probes.in_hand)
        await self._until(lambda: self._holds(count))
        (await self._client.delete(behaviour)).raise_for_status()

    async def until_complete(self) -> None:
        """Wait until every probe has come out. Raises `TimeoutError`."""

        async def complete() -> bool:
            mails = await self._client.get(f"{self._mail_url}/api/messages")
            self.probes.take_mails(mails.json())
            return self.probes.is_complete

        await self._until(complete)

    async def begin_round(self) -> None:
        """Wait until everything is ready and every copy has partitions; then for a moment that is chance.

        Raises `TimeoutError` with what `/ready` says.
        """
        try:
            await self._until(self._is_settled)
        except TimeoutError:
            raise TimeoutError(f"the stack does not settle after the last death: {await self._readiness()}") from None
        (await self._client.delete(f"{self._mail_url}/api/messages")).raise_for_status()
        self.probes = Probes()
        await asyncio.sleep(random.uniform(0, _HEARTBEATS_SECONDS))

    async def watch(self) -> None:
        """Give the records of the lifecycle topic to the probes, without end."""
        consumer = AIOKafkaConsumer(
            LIFECYCLE,
            bootstrap_servers=self.local.document()["kafka"],
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            async for record in consumer:
                self.probes.take_record(record)
        finally:
            await consumer.stop()

    async def _is_settled(self) -> bool:
        copies = [copy for service in SERVICES for copy in self.copies(service)]
        return all([await self._has_partitions(copy) for copy in copies])

    async def _readiness(self) -> str:
        """What `/ready` of each copy says."""
        copies = [copy for service in SERVICES for copy in self.copies(service)]
        answers = [(await self._client.get(f"{copy.url}/ready")).text for copy in copies]
        return " ".join(f"{copy.name}: {answer}" for copy, answer in zip(copies, answers, strict=True))

    async def _has_partitions(self, copy: Service) -> bool:
        """Whether it is ready, and has partitions that a probe comes through."""
        with suppress(httpx.TransportError):
            metrics = await self._client.get(f"{copy.url}/metrics")
            topics = {topic for topic, _ in assigned(metrics.text)}
            return not topics.isdisjoint({PURCHASES, LIFECYCLE}) and await copy.answers()
        return False

    async def _holds(self, count: int) -> bool:
        return bool(await self._fetch(_LEASED) >= count)

    async def _fetch(self, query: str) -> Any:
        connection = await asyncpg.connect(self.local.document()["database_url"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def _until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(_LONGEST_SECONDS):
            while not (found := await look()):
                await asyncio.sleep(_POLL_SECONDS)
            return found

    @property
    def _mail_url(self) -> str:
        return str(self.local.document()["mail_url"])


@asynccontextmanager
async def running_recovery_stack(folder: Path, copies: int) -> AsyncIterator[RecoveryStack]:
    """A stack with so many copies of each service until the block ends; what dies is started again."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    environment = {"TENURE_TOPIC_PARTITIONS": str(PARTITIONS), "TENURE_LOG_LEVEL": "warning"}
    options = StackOptions(
        folder=folder,
        environment={**inherited, **environment},
        commands={name: (sys.executable, "-m", f"{name}_service") for name in SERVICES},
        copies=copies,
    )
    async with AsyncExitStack() as opened:
        local = await opened.enter_async_context(running(options, say=lambda _: None))
        client = await opened.enter_async_context(httpx.AsyncClient(timeout=30, trust_env=False))
        stack = RecoveryStack(local, client)
        watching = asyncio.ensure_future(stack.watch())
        try:
            yield stack
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def _ports_of(copy: Service) -> set[int]:
    """The local ports of its connections."""
    return {connection.laddr.port for connection in psutil.Process(copy.pid).net_connections()}
