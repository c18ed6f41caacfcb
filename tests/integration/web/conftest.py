"""Settings for copies of the services as processes of their own."""

import pytest

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tests.kit.ports import free_port
from tests.kit.settings import service_settings


@pytest.fixture
def settings(kafka: Kafka, database_url: str, topic_prefix: str) -> Settings:
    """On real Kafka and PostgreSQL, real time; no mail relay."""
    return service_settings(kafka, database_url, topic_prefix, topic_partitions=2, http_port=free_port())
