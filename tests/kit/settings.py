"""The settings of a service under test: a database and a topic prefix that no other test has."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.runtime.settings import Settings
from tenure.connection_options import READY_FILE
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.kit.parts import fresh_database
from tests.kit.tokens import SECRET

SESSION_SECONDS: Final = 10
"""So long that no test is rebalanced where the machine is slow."""

NOBODY: Final = "http://127.0.0.1:1"
"""An address at which nothing answers."""


def unused_prefix() -> str:
    """A `TENURE_TOPIC_PREFIX` that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}."


def service_settings(kafka: Kafka, database_url: str, topic_prefix: str, **more: Any) -> Settings:
    """Settings of a service on this broker and database; `more` by field name."""
    where: dict[str, Any] = {
        "kafka_bootstrap_servers": kafka.bootstrap,
        "topic_prefix": topic_prefix,
        "database_url": database_url,
    }
    return Settings.model_validate({**where, "auth_secret": SECRET, "kafka_session_seconds": SESSION_SECONDS, **more})


@contextmanager
def fresh_settings(kafka: Kafka, postgres: Postgres, **more: Any) -> Iterator[Settings]:
    """The same with a database and a prefix of its own; the database is dropped at the end."""
    with fresh_database(postgres) as url:
        yield service_settings(kafka, url, unused_prefix(), **more)


def write_ready_file(**addresses: str) -> None:
    """`.tenure/ready.json` in the present folder, as `make up` writes it: these addresses and the tests' secret."""
    READY_FILE.parent.mkdir(exist_ok=True)
    READY_FILE.write_text(json.dumps(addresses | {"auth_secret": SECRET}))
