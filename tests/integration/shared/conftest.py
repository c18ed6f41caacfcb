"""Settings and tables of its own for each test of `shared/`."""

from collections.abc import AsyncIterator

import pytest

from shared.runtime.components import ServiceContext
from shared.runtime.settings import Settings
from shared.storage.database import Engine
from tenure.local.kafka import Kafka
from tests.integration.shared.environment import service_context, tables
from tests.kit.settings import service_settings


@pytest.fixture
def settings(kafka: Kafka, database_url: str, topic_prefix: str) -> Settings:
    return service_settings(kafka, database_url, topic_prefix)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    async with tables(settings) as made:
        yield made


@pytest.fixture
def context(settings: Settings, engine: Engine) -> ServiceContext:
    return service_context(settings, engine)
