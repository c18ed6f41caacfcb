"""Settings for copies that share a module's database and topics."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.subscription.serving import PARTITIONS, SECRET, START
from tests.parts import fresh_database


@contextmanager
def fresh_settings(kafka: Kafka, postgres: Postgres) -> Iterator[Settings]:
    """On a database and a topic prefix that nobody else has; the database goes at the end."""
    with fresh_database(postgres) as url:
        yield Settings.model_validate(
            {
                "kafka_bootstrap_servers": kafka.bootstrap,
                "topic_prefix": f"test-{uuid.uuid4().hex[:12]}.",
                "topic_partitions": PARTITIONS,
                "database_url": url,
                "auth_secret": SECRET,
                "test_clock": START,
            }
        )
