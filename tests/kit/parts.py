"""The real parts that tests run against: one Kafka, one PostgreSQL and one mail server for a session.

Each test gets names of its own on them: a fresh database, a topic prefix, an emptied mailbox. The parts
are started outside any test's event loop, so they serve tests of every loop scope. A test that stops or
kills a part starts it again.
"""

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
import httpx
import pytest

from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.part import Part
from tenure.local.postgres import Postgres

P = TypeVar("P", bound=Part)


def finish(work: Coroutine[object, object, None]) -> None:
    """Run to the end in a loop of its own, leaving the thread's current loop alone."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(work)


def running(part: P) -> Iterator[P]:
    """The part, running until the fixture ends."""
    try:
        finish(part.start())
        yield part
    finally:
        finish(part.kill())


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Apache Kafka."""
    yield from running(Kafka(tmp_path_factory.mktemp("kafka")))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """PostgreSQL. It gathers statistics only where a test says so: when it does that by itself is chance,
    and in the middle of a large transaction they make plans that read every row.
    """
    for part in running(Postgres(tmp_path_factory.mktemp("postgres"))):
        for statement in ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"):
            finish(_execute(part, statement))
        yield part


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The mail server, with the mails of the whole session; tests take `mail`."""
    yield from running(MailServer(tmp_path_factory.mktemp("mail")))


@contextmanager
def fresh_database(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database that nobody else has; it goes at the end."""
    name = f"test_{uuid.uuid4().hex}"
    finish(_execute(postgres, f'CREATE DATABASE "{name}"'))
    yield postgres.url_of(name)
    finish(_execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, empty database."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
def topic_prefix() -> str:
    """For `TENURE_TOPIC_PREFIX`: no other test has it."""
    return f"test-{uuid.uuid4().hex[:12]}."


@pytest.fixture
def mail(mail_server: MailServer) -> Iterator[MailServer]:
    """The mail server without mails, and behaving; it behaves again afterwards, for those who take `mail_server`."""
    httpx.delete(f"{mail_server.url}/api/messages").raise_for_status()
    _behave(mail_server)
    yield mail_server
    _behave(mail_server)


def _behave(mail_server: MailServer) -> None:
    httpx.delete(f"{mail_server.url}/api/behaviour").raise_for_status()


async def _execute(postgres: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(postgres.url_of("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
