"""A module's copy of the subscription service, and settings for tests that start copies of their own."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from shared.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.subscription.ground import fresh_settings
from tests.integration.subscription.serving import World, serving


@pytest.fixture(scope="module")
def module_settings(kafka: Kafka, postgres: Postgres) -> Iterator[Settings]:
    with fresh_settings(kafka, postgres) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(module_settings: Settings) -> AsyncIterator[World]:
    """One running copy for all tests of the module; its time goes on from test to test."""
    async with serving(module_settings) as made:
        yield made


@pytest.fixture
def settings(kafka: Kafka, postgres: Postgres) -> Iterator[Settings]:
    with fresh_settings(kafka, postgres) as made:
        yield made
