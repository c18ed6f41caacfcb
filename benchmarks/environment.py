"""What all three pipelines stand on: one Apache Kafka, one PostgreSQL, and for each run a place of its own on them.

A place is a topic prefix and a database. `prepared` is a database in which the service has already subscribed the
standing customers; a run works on a copy of it, from which the positions of the old topics are gone.
"""

import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY, STATE
from shared.kafka import topics
from shared.runtime.settings import Settings, load
from tenure.local.kafka import Kafka
from tenure.local.part import Part
from tenure.local.ports import free_port
from tenure.local.postgres import Postgres
from tenure.local.service import Service

INPUTS = (PURCHASES, RENEWALS, SERVER_INVENTORY)
OUTPUTS = (LIFECYCLE, STATE, DEAD_LETTERS)

_FORGET = (
    "TRUNCATE input_offset, output_partition, relay_position, log, tally, event_claim, waiting",
    "VACUUM ANALYZE",
    # So that no run pays for what preparing wrote.
    "CHECKPOINT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one run happens."""

    kafka: str
    database_url: str
    prefix: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of a process that works here."""
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
        return load(self.environment)


class Environment:
    """The two servers while the benchmarks run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kafka = Kafka(folder / "kafka")
        self._postgres = Postgres(folder / "postgres")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Environment"]:
        """Started, and ended in the end."""
        try:
            await self._postgres.start()
            await self._kafka.start()
            yield self
        finally:
            await self._kafka.kill()
            await self._postgres.kill()

    async def place(self, name: str, template: Place | None = None) -> Place:
        """New topics and a new database, empty or a copy of `template`'s."""
        unique = f"{name}_{uuid.uuid4().hex[:8]}"
        source = f' TEMPLATE "{_database(template)}"' if template else ""
        await self._execute("postgres", f'CREATE DATABASE "{unique}"{source}')
        await self._execute("postgres", "CHECKPOINT")
        folder = self._folder / unique
        folder.mkdir()
        place = Place(
            kafka=self._kafka.bootstrap, database_url=self._postgres.url_of(unique), prefix=f"{unique}.", folder=folder
        )
        await topics.ensure([*INPUTS, *OUTPUTS], place.settings)
        return place

    async def forget_the_past(self, place: Place) -> None:
        """Make it a template: customers and servers stay, the topics of which they came are forgotten."""
        await self._execute(_database(place), "SET search_path TO subscription", *_FORGET)

    async def drop(self, place: Place) -> None:
        """Its database goes; its topics are small."""
        await self._execute("postgres", f'DROP DATABASE "{_database(place)}" WITH (FORCE)')

    async def _execute(self, database: str, *statements: str) -> None:
        connection = await asyncpg.connect(self._postgres.url_of(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class Loop(Part):
    """One of our two loops as a process; it is there as soon as it is started."""

    def __init__(self, module: str, place: Place, *arguments: str) -> None:
        super().__init__(module.rpartition(".")[2], place.folder)
        self._module = module
        self._arguments = arguments
        self._place = place

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", self._module, *self._arguments]

    def environment(self) -> Mapping[str, str]:
        return self._place.environment

    async def answers(self) -> bool:
        return True


def service(place: Place) -> Service:
    """The real subscription service, not started."""
    part = Service(
        "subscription", place.folder, port=free_port(), command=[sys.executable, "-m", "subscription_service"]
    )
    part.take(place.environment)
    return part


def _database(place: Place) -> str:
    return place.database_url.rpartition("/")[2]
