"""A notifier whose pages a browser visits, a console of another origin, and what a visit leaves behind."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from axe_playwright_python.sync_playwright import Axe
from confluent_kafka import Producer
from playwright.sync_api import BrowserContext, Page

from shared.contracts.topics import LIFECYCLE
from shared.runtime.settings import Settings
from shared.web.auth import LINK_AUDIENCE
from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tenure.local.postgres import Postgres
from tests.integration.notifier.running import notifier_process
from tests.integration.notifier.samples import CONTACT, event
from tests.kit import http
from tests.kit.events import account
from tests.kit.ports import free_port
from tests.kit.settings import fresh_settings
from tests.kit.tokens import SECRET, bearer
from tests.kit.waiting import PATIENCE

CONSOLE = Path(__file__).parents[2] / "examples" / "console"
START_SECONDS = 120
VIOLATIONS = """
  addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective}`));
"""


@dataclass(frozen=True)
class Served:
    """A notifier in a process of its own, and a console of another origin that it lets in."""

    url: str
    console: str
    settings: Settings
    mail_url: str

    def publish(self, *events: dict[str, Any]) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap_servers})
        for one in events:
            topic = f"{self.settings.topic_prefix}{LIFECYCLE}"
            producer.produce(topic, json.dumps(one).encode(), one["subject"].encode())
        assert producer.flush(PATIENCE) == 0

    def inbox(self, who: str) -> Any:
        return http.get(f"{self.url}/api/inbox", headers=bearer(who)).json()

    def with_messages(self, count: int = 4, contact: dict[str, Any] = CONTACT) -> str:
        """An account with so many unread messages, at most four."""
        who = account()
        kinds = ("activated", "renewal_due", "quota_exceeded", "auto_renewal_failed")[:count]
        data = {"activated": {"contact": contact}}
        self.publish(*(event(kind, who, version, **data.get(kind, {})) for version, kind in enumerate(kinds, start=1)))
        eventually(lambda: self.inbox(who)["unread"] == count)
        return who

    def link(self, who: str, **claims: Any) -> str:
        claims = {"sub": who, "aud": LINK_AUDIENCE, "exp": time.time() + 600} | claims
        return f"{self.url}/inbox?token={jwt.encode(claims, SECRET, algorithm='HS256')}"


@contextmanager
def serving(kafka: Kafka, postgres: Postgres, mail_server: MailServer) -> Iterator[Served]:
    port = free_port()
    host, _, smtp_port = mail_server.smtp.rpartition(":")
    with (
        console() as foreign,
        fresh_settings(
            kafka,
            postgres,
            topic_partitions=3,
            smtp_host=host,
            smtp_port=int(smtp_port),
            smtp_tls="none",
            public_url=f"http://127.0.0.1:{port}",
            inbox_origins=foreign,
        ) as settings,
        notifier_process(settings, port),
    ):
        url = f"http://127.0.0.1:{port}"
        eventually(partial(is_ready, url), START_SECONDS)
        yield Served(url, foreign, settings, mail_server.url)


@contextmanager
def console() -> Iterator[str]:
    """The example of a console, at an origin of its own and under a policy of its own, which names the notifier."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            policy = "default-src 'none'; img-src data:; style-src 'self'; script-src 'self' http://127.0.0.1:*;"
            policy += " connect-src http://127.0.0.1:*; require-trusted-types-for 'script'; trusted-types tenure-inbox"
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(CONSOLE)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def is_ready(url: str) -> bool:
    try:
        return http.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def eventually(look: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Here and not asynchronous, since Playwright's loop runs in this thread."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


class Visit:
    """A reader's browser: what the pages asked for, and what they complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.add_init_script(VIOLATIONS)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def open(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        return page

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests if not url.startswith("data:")}


def accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
