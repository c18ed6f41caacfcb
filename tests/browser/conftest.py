"""One Chromium for each module of tests, and one notifier to visit."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.postgres import Postgres
from tests.browser.served import Served, Visit, serving
from tests.kit.waiting import PATIENCE

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        expect.set_options(timeout=PATIENCE * 1000)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def served(kafka: Kafka, postgres: Postgres, mail_server: MailServer) -> Iterator[Served]:
    with serving(kafka, postgres, mail_server) as made:
        yield made


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    options: dict[str, Any] = {"viewport": {"width": 1024, "height": 900}}
    with browser.new_context(**options | getattr(request, "param", {})) as context:
        yield Visit(context)
