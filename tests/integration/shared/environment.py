"""What the tests of `shared/` run in: its tables in a fresh database, and topics that a test fills and reads itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from sqlalchemy import text

from shared.kafka.input_topics import InputTopics
from shared.outbox import log
from shared.outbox.log import Entry
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.storage.database import Engine, connect, transaction
from shared.storage.migrations import FIRST_SHARED_TABLES, POSITIONS_PROVED_BY_SEQUENCE
from shared.testclock.clock import SystemClock
from tests.kit.topics import read_topic

SCHEMA: Final = "shared"
_APPLIED: Final = "CREATE TABLE applied (value text, dead_letter bool)"
"""What the tests' own batch processor has applied."""


@asynccontextmanager
async def tables(settings: Settings) -> AsyncIterator[Engine]:
    """The tables that both services have, and `applied`."""
    engine = connect(settings.database_url.get_secret_value(), SCHEMA)
    async with transaction(engine) as connection:
        await connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        for statement in (*FIRST_SHARED_TABLES, *POSITIONS_PROVED_BY_SEQUENCE, _APPLIED):
            await connection.execute(text(statement))
    yield engine
    await engine.dispose()


def service_context(settings: Settings, engine: Engine) -> ServiceContext:
    """What a service is built from, on these tables."""
    return ServiceContext(
        name="subscription",
        settings=settings,
        schema=SCHEMA,
        engine=engine,
        http_engine=engine,
        health=Health("consuming", "lag", "publishing"),
        clock=SystemClock(),
        inputs=InputTopics([], settings=settings, engine=engine),
    )


@dataclass(frozen=True)
class Topic:
    """One topic on the broker, by its logical name."""

    logical: str
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.settings.topic_prefix}{self.logical}"

    def at(self, partition: int = 0) -> TopicPartition:
        return TopicPartition(self.name, partition)

    async def make(self, partitions: int) -> "Topic":
        async with self.admin() as client:
            await client.create_topics([NewTopic(self.name, partitions, 1)])
        return self

    async def grow(self, partitions: int) -> None:
        """Add partitions, so that there are so many."""
        async with self.admin() as client:
            await client.create_partitions({self.name: NewPartitions(partitions)})

    async def delete(self) -> None:
        async with self.admin() as client:
            await client.delete_topics([self.name])

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await client.start()
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def producer(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        made = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers, **options)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()

    async def send(self, *values: bytes, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        async with self.producer() as producer:
            for value in values:
                await producer.send_and_wait(self.name, value, partition=partition, headers=list(headers))

    async def send_in_transaction(self, *values: bytes, commit: bool = True) -> None:
        """One transaction with these records in partition 0, ended for every reader."""
        writer = f"{self.name}-writer"
        async with self.producer(transactional_id=writer) as producer:
            await producer.begin_transaction()
            for value in values:
                await producer.send(self.name, value, partition=0)
            await producer.flush()
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        async with self.producer(transactional_id=writer):
            pass  # the next producer starts only once the broker has written the markers of the last transaction

    async def delete_before(self, offset: int, partition: int = 0) -> None:
        """As retention does: the records before this offset are gone."""
        async with self.admin() as client:
            await client.delete_records({self.at(partition): RecordsToDelete(offset)})

    async def records(self) -> list[Any]:
        """All that a `read_committed` reader finds on the topic now, partition by partition."""
        return await read_topic(self.settings.kafka_bootstrap_servers, self.name)


async def append(engine: Engine, *entries: Entry) -> None:
    """Append these entries to the log, in one transaction."""
    async with transaction(engine) as connection:
        await log.append(connection, entries)


def entry(topic: str, value: bytes | None, partition: int = 0, **more: Any) -> Entry:
    return Entry(topic=topic, partition=partition, key=b"acct-1", value=value, enveloped=False, **more)
