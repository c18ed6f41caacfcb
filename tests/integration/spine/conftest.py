"""Settings and tables of their own for each test of the spine."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.settings import Settings
from tenure.local.kafka import Kafka
from tests.integration.spine.ground import tables


@pytest.fixture
def settings(kafka: Kafka, database_url: str, topic_prefix: str) -> Settings:
    return Settings.model_validate(
        {"kafka_bootstrap_servers": kafka.bootstrap, "topic_prefix": topic_prefix, "database_url": database_url}
    )


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    async with tables(settings) as made:
        yield made
