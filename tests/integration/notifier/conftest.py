"""Settings, environment and one running copy for the notifier's tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.postgres import Postgres
from tests.integration.notifier.bounces import Bounces, relay_script
from tests.integration.notifier.environment import Environment, surroundings
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.kit.relay import scripted_relay
from tests.kit.settings import fresh_settings, service_settings


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop as in the services; its transports differ from the standard ones."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def settings(kafka: Kafka, database_url: str, mail: MailServer, topic_prefix: str) -> Settings:
    return service_settings(kafka, database_url, topic_prefix, **_sending_to(mail))


@pytest.fixture(scope="module")
def module_settings(kafka: Kafka, postgres: Postgres, mail_server: MailServer) -> Iterator[Settings]:
    """For a copy that all tests of a module share."""
    with fresh_settings(kafka, postgres, **_sending_to(mail_server)) as made:
        yield made


@pytest.fixture
async def environment(settings: Settings, mail: MailServer) -> AsyncIterator[Environment]:
    async with surroundings(settings, mail) as made:
        yield made


@pytest.fixture
async def notifier(settings: Settings, environment: Environment) -> AsyncIterator[RunningNotifier]:
    async with running_notifier(settings) as running:
        yield running


@pytest.fixture
async def bounces(
    settings: Settings, environment: Environment, request: pytest.FixtureRequest
) -> AsyncIterator[Bounces]:
    """With other settings by `indirect`."""
    async with scripted_relay(relay_script) as relay:
        own = {"smtp_host": "127.0.0.1", "smtp_port": relay.port, "bounce_domain": "bounces.tenure.example"}
        changed = settings.model_copy(update=own | getattr(request, "param", {}))
        async with running_notifier(changed) as notifier:
            yield Bounces(notifier, relay, environment, changed)


def _sending_to(mail: MailServer) -> dict[str, Any]:
    host, _, port = mail.smtp.rpartition(":")
    relay = {"smtp_host": host, "smtp_port": int(port), "smtp_tls": "none"}
    sender = {"mail_from": "Tenure <renewals@tenure.example>", "mail_domain": "tenure.example"}
    return {"topic_partitions": 3, **relay, **sender}
