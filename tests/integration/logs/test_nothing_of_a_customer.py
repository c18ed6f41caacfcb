"""The whole log of both services, while words of customers and secrets are everywhere: none of them is in it.

The words are planted in events and their headers, in records that are no events, in the settings, in the database's
errors, in the mail relay's replies and in requests; each occurrence has its line all the same.
"""

import asyncio
import json
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx
import jwt
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.ports import free_port
from tenure.local.postgres import Postgres
from tenure.story.metrics import by_outcome
from tests.kit.events import CONTACT, account, credit, event, purchase, renewal
from tests.kit.parts import finish
from tests.kit.process import service_process
from tests.kit.relay import Answer, Turn, scripted_relay
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
            async with httpx.AsyncClient(trust_env=False) as client:
                troubles = (await client.get(f"{self.url(service)}/ready")).json()["troubles"]
                return not troubles.keys() - {but_for}
        return False

    async def until_ready(self, *, but_for: str = "") -> None:
        for service in self.ports:
            await eventually(partial(self.is_ready, service, but_for=but_for), 90)

    async def metrics(self, service: str) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
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

    def said(self, service: str, kind: str) -> list[str]:
        """The lines of a kind, in either format."""
        return [line for line in self.lines(service) if f" {kind}: " in line or f'"kind": "{kind}"' in line]


def _planted_settings(kafka: Kafka, url: str, smtp_port: int, **more: Any) -> Settings:
    """Every secret and every text among the settings holds the word."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka.bootstrap,
            "kafka_sasl_username": WORD,
            "kafka_sasl_password": SECRET,
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


@pytest.fixture
def owner_url(postgres: Postgres, database_url: str) -> str:
    """The database as the superuser reaches it."""
    return database_url


@pytest.fixture
def planted_url(postgres: Postgres, owner_url: str) -> str:
    """The database as a role reaches it whose name and password hold the word."""
    role, parts = f"{WORD.lower()}_{uuid.uuid4().hex[:8]}", urlsplit(owner_url)

    async def own() -> None:
        connection = await asyncpg.connect(postgres.url_of("postgres"))
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
        await connection.execute(f'ALTER DATABASE "{parts.path.removeprefix("/")}" OWNER TO {role}')
        await connection.close()

    finish(own())
    return f"postgresql://{role}:{SECRET}@{parts.hostname}:{parts.port}{parts.path}"


def _relay_answer(turn: Turn) -> Answer:
    """A relay whose every refusal repeats what it was told."""
    if turn.verb == "CONNECT" and turn.connection == 1:
        return f"421 4.3.2 {NAME} <{EMAIL}> of {WORD} is not welcome"
    return f"550 5.1.1 <{EMAIL}>: {NAME} is unknown, {SECRET}" if turn.verb == "RCPT" else None


@asynccontextmanager
async def _services(
    kafka: Kafka, folder: Path, urls: tuple[str, str], **more: Any
) -> AsyncIterator[tuple[Services, dict[str, subprocess.Popen[bytes]]]]:
    url, owner_url = urls
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    try:
        async with scripted_relay(_relay_answer) as relay:
            services = Services(_planted_settings(kafka, url, relay.port, **more), folder, owner_url, producer)
            with services.running() as processes:
                yield services, processes
    finally:
        await producer.stop()


@pytest.mark.parametrize("log", ["text at info", "json at debug"])
async def test_no_word_of_a_customer_and_no_secret_is_in_the_log_and_each_occurrence_is(
    kafka: Kafka, planted_url: str, owner_url: str, tmp_path: Path, log: str
) -> None:
    log_format, _, log_level = log.split()
    more = {"log_format": log_format, "log_level": log_level}
    async with _services(kafka, tmp_path, (planted_url, owner_url), **more) as (services, processes):
        await services.until_ready(but_for="mail")
        await _good_and_bad_records(services)
        await _trouble_of_the_database(services)
        await _requests(services)
        await _bad_lifecycle(services)
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            assert await asyncio.to_thread(process.wait, 60) == 0
        _check(services, log_format)


async def _good_and_bad_records(services: Services) -> None:
    """One of each kind, and every value that a sender may choose holds the word."""
    who, contact = account(), CONTACT | {"name": NAME, "email": EMAIL}
    bought = purchase(who, contact=contact) | {"traceparent": TRACEPARENT, "note": NAME}
    refused = renewal(who, terms_accepted=False) | {"id": "evt-refused", "traceparent": TRACEPARENT}
    named = event("server.registered", account_id=who, server_id=BOOM, cores=2, name=NAME, tags=[NAME])
    spent = credit(who, "1.00", entry_id="entry-1")
    await services.execute(f"ALTER TABLE subscription.server ADD CONSTRAINT planted CHECK (server_id <> '{BOOM}')")
    for topic, value in (
        (PURCHASES, bought),
        (RENEWALS, refused),
        (SERVER_INVENTORY, named | {"id": "evt-fault", "traceparent": TRACEPARENT}),
        (SERVER_INVENTORY, event("configuration.recorded", account_id=who, kind="tag", key=WORD, value={NAME: EMAIL})),
        (PURCHASES, spent),
        (PURCHASES, spent | {"id": "evt-conflict", "data": spent["data"] | {"amount": "2.00"}}),
        (PURCHASES, f"{NAME} <{EMAIL}> is no JSON".encode()),
        (PURCHASES, json.dumps(NAME).encode()),
        (PURCHASES, None),
        (PURCHASES, bought | {"id": EMAIL}),
        (PURCHASES, bought | {"id": "evt-data", "data": bought["data"] | {"duration_months": NAME, "contact": NAME}}),
        (PURCHASES, bought | {"id": "evt-type", "type": f"tenure.{NAME}"}),
        (PURCHASES, bought | {"id": "evt-subject", "subject": "acct-other"}),
        (PURCHASES, bought | {"id": "evt-future", "time": "2999-01-01T00:00:00Z", "traceparent": NAME}),
        (PURCHASES, NAME.encode() * 60_000),
    ):
        await services.send(
            topic, value, **{f"x-{WORD}": EMAIL.encode(), "content-type": b"application/cloudevents+json"}
        )
    await services.send(PURCHASES, b"{}", **{"ce_id": EMAIL.encode(), f"ce_{WORD}": NAME.encode(), "ce_type": b"\xff"})

    async def all_read() -> bool:
        counted = by_outcome(await services.metrics("subscription"))
        return counted["dead_letter"] >= 11 and counted["rejected"] >= 1

    async def refused_by_the_relay() -> bool:
        failed = 'tenure_notifications_total{channel="email",status="failed"} '
        return any(
            line.startswith(failed) and float(line.split()[-1]) > 0
            for line in (await services.metrics("notifier")).splitlines()
        )

    await eventually(all_read, 60)
    await eventually(refused_by_the_relay, 60)


async def _trouble_of_the_database(services: Services) -> None:
    """A function in the database that repeats the row: the service waits until it is gone."""
    await services.execute(RAISING)
    await services.send(PURCHASES, credit(account(), "3.00"))

    async def waits() -> bool:
        return not await services.is_ready("subscription")

    await eventually(waits)
    await services.execute("DROP FUNCTION planted CASCADE")
    await services.until_ready()


async def _requests(services: Services) -> None:
    """Paths, parameters, headers, bodies and tokens with the word, and requests that are none."""
    foreign = jwt.encode({"sub": NAME, "exp": 4e9}, SECRET, algorithm="HS256", headers={"kid": WORD, "alg": "HS256"})
    forged = jwt.encode({"sub": NAME}, SECRET, algorithm="HS256").rpartition(".")[0] + "." + WORD
    async with httpx.AsyncClient(trust_env=False) as client:
        for service, port in services.ports.items():
            for token in (foreign, forged, SECRET, _with_unknown_key()):
                headers = {"Authorization": f"Bearer {token}", "X-Name": WORD, "Cookie": f"token={SECRET}"}
                for path in (f"/api/accounts/{WORD}", f"/api/inbox?token={SECRET}&kind={WORD}", f"/{WORD}/%00{WORD}"):
                    await client.get(f"{services.url(service)}{path}", headers=headers)
            await client.put(f"{services.url(service)}/api/preferences", content=NAME.encode() * 10_000)
            for raw in (f"{WORD} /{WORD} HTTP/1.1\r\nHost: {WORD}\r\n\r\n", f"{NAME}\r\n\r\n", f"GET /{WORD}"):
                await _say(port, raw.encode())


def _with_unknown_key() -> str:
    head = {"alg": "RS256", "kid": WORD}
    body = {"sub": NAME, "exp": 4_000_000_000}
    encoded = [jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in (head, body)]
    return ".".join((*encoded, jwt.utils.base64url_encode(SECRET.encode()).decode()))


async def _say(port: int, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    writer.write_eof()
    with suppress(OSError):
        await reader.read()
    writer.close()


async def _bad_lifecycle(services: Services) -> None:
    """What only a foreign hand writes on the topic that the notifier reads."""
    await services.send(LIFECYCLE, NAME.encode())
    foreign = event("subscription.expired", account_id=account(), contact=NAME) | {"id": "evt-foreign"}
    await services.send(LIFECYCLE, foreign | {"traceparent": TRACEPARENT})

    async def read() -> bool:
        return by_outcome(await services.metrics("notifier"))["dead_letter"] >= 2

    await eventually(read, 60)


def _check(services: Services, log_format: str) -> None:
    for service in services.ports:
        lines = services.lines(service)
        assert [line for line in lines if any(spelling in line for spelling in SPELLINGS)] == []
        if log_format == "json":
            assert all({"time", "level", "kind", "message"} <= json.loads(line).keys() for line in lines)
        for kind in ("started", "stopped"):
            assert len(services.said(service, kind)) == 1, kind
        assert services.said(service, "library") == []
    letters = "\n".join(services.said("subscription", "dead_letter"))
    for reason in ("not_json", "not_cloudevents", "unknown_type", "invalid_data", "subject_mismatch", "time_in_future"):
        assert reason in letters
    for word in ("id_conflict", "too_large", "internal_error", "evt-data", "evt-type", "evt-fault", "evt-conflict"):
        assert word in letters
    [fault] = [line for line in services.said("subscription", "dead_letter") if "evt-fault" in line]
    assert TRACE in fault
    [refusal] = services.said("subscription", "refused")
    for word in ("terms_not_accepted", "evt-refused", TRACE):
        assert word in refusal
    assert any(TRACE in line and "550 5.1.1" in line for line in services.said("notifier", "email_failed"))
    assert any("evt-foreign" in line and TRACE in line for line in services.said("notifier", "dead_letter"))
    for service, component in (("subscription", "consuming"), ("notifier", "mail"), ("notifier", "keys")):
        assert any(component in line for line in services.said(service, "waiting")), component
    assert any("consuming" in line for line in services.said("subscription", "goes_on"))
