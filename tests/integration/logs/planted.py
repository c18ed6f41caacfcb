"""Words that stand in everything that comes from outside, and the services to which they come."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer

from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tests.kit import http
from tests.kit.ports import free_port
from tests.kit.process import service_process
from tests.kit.settings import unused_prefix
from tests.kit.waiting import eventually

WORD: Final = "Zaphod"
"""Part of every planted value, and of nothing else; also in other spellings."""
SPELLINGS: Final = (WORD, WORD.upper(), WORD.lower(), "5a6170686f64", "WmFwaG9k", "phodA")
NAME: Final = f"{WORD} Beeblebrox"
EMAIL: Final = f"{WORD.lower()}@customers.example"
SECRET: Final = f"{WORD}-secret-that-is-long-enough-for-hs256"
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT: Final = f"00-{TRACE}-b7ad6b7169203331-01"
BOOM: Final = "srv-boom"
RAISING: Final = """
    CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'Zaphod: %', NEW USING DETAIL = 'Zaphod', HINT = 'Zaphod'; END $$;
    CREATE TRIGGER planted BEFORE INSERT ON subscription.ledger_entry FOR EACH ROW EXECUTE FUNCTION planted()
"""


class Services:
    """Both services in processes of their own, what they listen on, and what they write."""

    def __init__(self, settings: Settings, folder: Path, owner_url: str, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.ports = {"subscription": free_port(), "notifier": free_port()}
        self.logs = {name: folder / f"{name}.log" for name in self.ports}
        self.owner_url = owner_url
        self._producer = producer

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @contextmanager
    def running(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """The processes, until the block ends."""
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(
                    service_process(
                        f"{name}_service", self.settings.model_copy(update={"http_port": port}), self.logs[name]
                    )
                )
                for name, port in self.ports.items()
            }

    async def is_ready(self, service: str, *, but_for: str = "") -> bool:
        with suppress(httpx.TransportError):
            async with http.client() as client:
                troubles = (await client.get(f"{self.url(service)}/ready")).json()["troubles"]
                return not troubles.keys() - {but_for}
        return False

    async def until_ready(self, *, but_for: str = "") -> None:
        for service in self.ports:
            await eventually(partial(self.is_ready, service, but_for=but_for), 90)

    async def metrics(self, service: str) -> str:
        async with http.client() as client:
            return (await client.get(f"{self.url(service)}/metrics")).text

    async def send(self, topic: str, value: bytes | Mapping[str, Any] | None, **headers: bytes) -> None:
        """Put a record on a topic, with these headers."""
        content = json.dumps(value).encode() if isinstance(value, Mapping) else value
        await self._producer.send_and_wait(
            f"{self.settings.topic_prefix}{topic}", content, key=NAME.encode(), headers=list(headers.items())
        )

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def lines(self, service: str) -> list[str]:
        return self.logs[service].read_text().splitlines()

    def lines_of(self, service: str, kind: str) -> list[str]:
        """The lines of a kind, in either format."""
        return [line for line in self.lines(service) if f" {kind}: " in line or f'"kind": "{kind}"' in line]


def planted_settings(kafka: Kafka, url: str, smtp_port: int, **more: Any) -> Settings:
    """Every secret and every text among the settings holds the word."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka.bootstrap,
            "topic_prefix": unused_prefix(),
            "topic_partitions": 1,
            "database_url": url,
            "smtp_port": smtp_port,
            "smtp_tls": "none",
            "mail_from": f"{NAME} <{EMAIL}>",
            "mail_domain": f"{WORD.lower()}.example",
            "public_url": f"https://{WORD.lower()}.example/{WORD}",
            "auth_secret": SECRET,
            "auth_jwks_url": f"http://127.0.0.1:1/{WORD}?key={SECRET}",
            "auth_audience": None,
            **more,
        }
    )
