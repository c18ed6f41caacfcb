"""A stack for each module of stories, on the session's Kafka, PostgreSQL and mail server."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.runtime.settings import PREFIX
from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.postgres import Postgres
from tenure.local.up import SERVICE_COMMANDS
from tests.kit.parts import finish


async def _create(postgres: Postgres, name: str) -> None:
    connection = await asyncpg.connect(postgres.url_of("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def stack_options(
    kafka: Kafka, postgres: Postgres, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    """What a stack of this module is made of: a database and a topic prefix of its own."""
    name = f"story_{uuid.uuid4().hex[:12]}"
    finish(_create(postgres, name))
    folder: Path = tmp_path_factory.mktemp("stack")
    ours = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    return {
        "folder": folder,
        "environment": {**ours, "TENURE_TOPIC_PREFIX": f"{name}."},
        "commands": SERVICE_COMMANDS,
        "kafka": kafka.bootstrap,
        "database": postgres.url_of(name),
        "smtp": mail_server.smtp,
    }
