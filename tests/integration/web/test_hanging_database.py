"""While the database hangs (it takes connections and answers nothing) the common pages answer, and say so."""

import time
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import pytest

from notifier_service.app import NOTIFIER
from shared.runtime.settings import Settings
from shared.web import limits
from subscription_service.app import SUBSCRIPTION
from tests.kit.events import START
from tests.kit.freezing import FreezingProxy, freezing_proxy
from tests.kit.service import RunningService, running_service
from tests.kit.tokens import bearer
from tests.kit.waiting import BUSY, eventually, least

MAIL = ["mail"]


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[FreezingProxy]:
    """Between the service and its database."""
    address = urlsplit(settings.database_url.get_secret_value())
    async with freezing_proxy(str(address.hostname), int(address.port or 0)) as made:
        yield made
        made.flowing.set()


def through(proxy: FreezingProxy, settings: Settings) -> Settings:
    """The settings with the proxy's port, and with the test clock on: `/health` then reads the clock."""
    address = urlsplit(settings.database_url.get_secret_value())
    url = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{proxy.port}")).geturl()
    return Settings.model_validate({**settings.model_dump(), "database_url": url, "test_clock": START})


async def seconds_until(copy: RunningService, path: str, status: int) -> float:
    """How long it takes until this page answers so."""
    began = time.monotonic()
    assert (await copy.client.get(path, headers=bearer("acme", "operator"))).status_code == status
    return time.monotonic() - began


@pytest.mark.parametrize("service", [SUBSCRIPTION, NOTIFIER], ids=lambda service: str(service.name))
async def test_the_common_pages_answer_while_the_database_hangs_and_all_goes_on_afterwards(
    settings: Settings, proxy: FreezingProxy, service: object
) -> None:
    of_service = SUBSCRIPTION if service is SUBSCRIPTION else NOTIFIER
    async with running_service(of_service, through(proxy, settings), but_for=MAIL) as copy:
        proxy.flowing.clear()
        await eventually(lambda: says_so(copy), 3 * limits.PAGE_SECONDS + BUSY)
        for path in ("/health", "/ready", "/metrics", "/health", "/ready", "/metrics"):
            quick, status = (0.5, 503) if path == "/ready" else (limits.PAGE_SECONDS + 1, 200)
            assert await least(partial(seconds_until, copy, path, status), quick) < quick, path
        assert "tenure_database_up 0.0" in (await copy.client.get("/metrics")).text
        assert (await copy.client.get("/health")).json()["test_clock"]["now"] is None
        path = "/api/accounts/acme" if of_service is SUBSCRIPTION else "/api/inbox"
        assert await seconds_until(copy, path, 503) < 2 * limits.DATABASE_SECONDS + BUSY
        proxy.flowing.set()
        await eventually(lambda: copy.is_ready(but_for=MAIL))
        assert "tenure_database_up 1.0" in (await copy.client.get("/metrics")).text


async def says_so(copy: RunningService) -> bool:
    troubles = (await copy.client.get("/ready")).json()["troubles"]
    return "no answer within" in troubles.get("http", "")
