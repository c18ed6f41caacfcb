"""The servers of all runs: one Apache Kafka and one PostgreSQL; and on them a workspace for each run.

A workspace is a topic prefix and a database. `prepared` workspaces have databases in which a service has already
subscribed the existing customers; a run works on a copy, without the positions of the topics of the original.
"""

import logging
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.workload import Message
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY, STATE
from shared.kafka import topics
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings, load
from tenure.local.kafka import Kafka
from tenure.local.part import Part
from tenure.local.ports import free_port
from tenure.local.postgres import Postgres
from tenure.local.service import Service

INPUTS = (PURCHASES, RENEWALS, SERVER_INVENTORY)
OUTPUTS = (LIFECYCLE, STATE, DEAD_LETTERS)

_RECORDS_PER_FLUSH = 5000
_HELD_BACK_MS = 300_000
_MAKE_TEMPLATE = (
    "TRUNCATE input_offset, output_partition, relay_position, log, tally, event_claim, waiting",
    "VACUUM ANALYZE",
    # So that no run pays for what preparing wrote.
    "CHECKPOINT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where one run happens; `folder` holds the logs of its processes."""

    kafka: str
    database_url: str
    prefix: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a process that works here."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
        return {
            **inherited,
            "TENURE_KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "TENURE_DATABASE_URL": self.database_url,
            "TENURE_TOPIC_PREFIX": self.prefix,
            "TENURE_AUTH_SECRET": "a secret that only benchmarks use",
            "TENURE_LOG_LEVEL": "warning",
        }

    @property
    def settings(self) -> Settings:
        """The same as settings."""
        return load(self.environment)

    @property
    def database(self) -> str:
        """The database's name."""
        return self.database_url.rpartition("/")[2]

    async def publish(self, messages: Iterable[Message]) -> list[Message]:
        """Put messages on their topics, keyed by account, in this order; returns them once all are acknowledged."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, enable_idempotence=True, linger_ms=5)
        await producer.start()
        try:
            return await self._send(producer, messages)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def held_back(self, messages: Iterable[Message]) -> AsyncIterator["Backlog"]:
        """Put messages on their topics as `publish` does, in a transaction that is open until `Backlog.release`."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka,
            transactional_id=f"{self.prefix}backlog",
            transaction_timeout_ms=_HELD_BACK_MS,
            linger_ms=5,
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            yield Backlog(await self._send(producer, messages), producer.commit_transaction)
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, messages: Iterable[Message]) -> list[Message]:
        settings, sent = self.settings, []
        for message in messages:
            await producer.send(name_of(message.topic, settings), message.value, key=message.account_id.encode())
            sent.append(message)
            if len(sent) % _RECORDS_PER_FLUSH == 0:
                await producer.flush()
        await producer.flush()
        return sent


class Backlog(NamedTuple):
    """Messages that no `read_committed` reader sees until `release` was called."""

    sent: Sequence[Message]
    release: Callable[[], Awaitable[None]]


class Servers:
    """The two servers, running."""

    def __init__(self, folder: Path, kafka: Kafka, postgres: Postgres) -> None:
        self._folder = folder
        self._kafka = kafka
        self._postgres = postgres

    @property
    def parts(self) -> Sequence[Part]:
        """The two processes."""
        return self._kafka, self._postgres

    @asynccontextmanager
    async def with_another_postgres(self) -> AsyncIterator["Servers"]:
        """The same Kafka and a PostgreSQL of its own, for as long as the block runs."""
        postgres = Postgres(self._folder / f"postgres_{uuid.uuid4().hex[:8]}")
        await postgres.start()
        try:
            yield Servers(self._folder, self._kafka, postgres)
        finally:
            await postgres.kill()

    async def workspace(self, name: str, template: Workspace | None = None) -> Workspace:
        """New topics and a new database, empty or a copy of the template's."""
        unique = f"{name}_{uuid.uuid4().hex[:8]}"
        source = f' TEMPLATE "{template.database}"' if template else ""
        await self._execute("postgres", f'CREATE DATABASE "{unique}"{source}')
        await self._execute("postgres", "CHECKPOINT")
        folder = self._folder / unique
        folder.mkdir()
        url = self._postgres.url_of(unique)
        workspace = Workspace(kafka=self._kafka.bootstrap, database_url=url, prefix=f"{unique}.", folder=folder)
        await topics.ensure([*INPUTS, *OUTPUTS], workspace.settings)
        return workspace

    async def make_template(self, workspace: Workspace) -> None:
        """Keep customers and servers, and remove what belongs to the workspace's own topics."""
        await self._execute(workspace.database, "SET search_path TO subscription", *_MAKE_TEMPLATE)

    def published_bytes(self, workspace: Workspace) -> int:
        """Of the records on the workspace's output topics, as the broker stores them."""
        topics = [name_of(topic, workspace.settings) for topic in OUTPUTS]
        data = self._folder / "kafka" / "data"
        return sum(file.stat().st_size for topic in topics for file in data.glob(f"{topic}-*/*.log"))

    async def drop(self, workspace: Workspace) -> None:
        """Drop its database; its topics stay, and are small."""
        await self._execute("postgres", f'DROP DATABASE "{workspace.database}" WITH (FORCE)')

    async def _execute(self, database: str, *statements: str) -> None:
        connection = await asyncpg.connect(self._postgres.url_of(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def running_servers(folder: Path) -> AsyncIterator[Servers]:
    """Both servers for as long as the block runs, with their data in this folder."""
    # New topics take a moment to find their leaders; the client tries again, and logs it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    kafka, postgres = Kafka(folder / "kafka"), Postgres(folder / "postgres")
    try:
        await postgres.start()
        await kafka.start()
        yield Servers(folder, kafka, postgres)
    finally:
        await kafka.kill()
        await postgres.kill()


class LoopProcess(Part):
    """One of our two loops as a child process, which is ready as soon as it is started."""

    def __init__(self, module: str, workspace: Workspace, *arguments: str) -> None:
        super().__init__(module.rpartition(".")[2], workspace.folder)
        self._module = module
        self._arguments = arguments
        self._workspace = workspace

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", self._module, *self._arguments]

    def environment(self) -> Mapping[str, str]:
        return self._workspace.environment

    async def answers(self) -> bool:
        return True


def subscription_service(workspace: Workspace, python: Path, *, name: str = "subscription") -> Service:
    """A copy of the subscription service that is installed for this interpreter, not started."""
    # -P: the current folder must not hide what is installed.
    command = [str(python), "-P", "-m", "subscription_service"]
    part = Service(name, workspace.folder, port=free_port(), command=command)
    part.use_environment(workspace.environment)
    return part
