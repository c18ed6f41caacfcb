"""A module's copy of the subscription service, its core alone, and settings for copies of a test's own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.runtime.settings import Settings
from shared.storage.database import Engine, connect
from shared.storage.migrations import migrate
from subscription_service.app import SUBSCRIPTION
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Core
from tests.integration.subscription.fresh_core import core_with
from tests.integration.subscription.samples import BEGINS
from tests.integration.subscription.serving import PARTITIONS, World, serving
from tests.kit.events import START
from tests.kit.settings import NOBODY, fresh_settings, service_settings, write_ready_file
from tests.unit.domain.scenario import RULES


@pytest.fixture(scope="module")
def module_settings(kafka: Kafka, postgres: Postgres) -> Iterator[Settings]:
    with fresh_settings(kafka, postgres, topic_partitions=PARTITIONS, test_clock=START) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(module_settings: Settings) -> AsyncIterator[World]:
    """One running copy for all tests of the module; its time goes on from test to test."""
    async with serving(module_settings) as made:
        yield made


@pytest.fixture
def ready_file(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the present folder, where commands look for it: a stack with this service, and a notifier that is away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENURE_TOPIC_PREFIX", world.settings.topic_prefix)
    service = str(world.client.base_url)
    write_ready_file(kafka=world.settings.kafka_bootstrap_servers, subscription_url=service, notifier_url=NOBODY)


@pytest.fixture
def settings(kafka: Kafka, postgres: Postgres) -> Iterator[Settings]:
    with fresh_settings(kafka, postgres, topic_partitions=PARTITIONS, test_clock=START) as made:
        yield made


@pytest.fixture
async def service(kafka: Kafka, database_url: str, topic_prefix: str) -> AsyncIterator[World]:
    """A running copy of a test's own, whose time begins at `BEGINS`."""
    settings = service_settings(kafka, database_url, topic_prefix, topic_partitions=2, test_clock=BEGINS)
    async with serving(settings) as made:
        yield made


@pytest.fixture(scope="module")
def core(postgres: Postgres) -> Iterator[Core]:
    """The whole decision on a database of the module's own, without Kafka."""
    with core_with(RULES, postgres) as made:
        yield made


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    """The service's tables in a database of a test's own, which are empty."""
    await migrate(database_url, SUBSCRIPTION.name, SUBSCRIPTION.migrations)
    made = connect(database_url, SUBSCRIPTION.name)
    yield made
    await made.dispose()
