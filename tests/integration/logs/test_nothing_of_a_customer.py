"""The whole log of both services, while words of customers and secrets are everywhere: none of them is in it.

The words are planted in events and their headers, in records that are no events, in the settings, in the database's
errors, in the mail relay's replies and in requests; each occurrence has its line all the same.
"""

import asyncio
import json
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import jwt
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tenure.story.metrics import by_outcome
from tests.integration.logs.planted import (
    BOOM,
    EMAIL,
    NAME,
    RAISING,
    SECRET,
    SPELLINGS,
    TRACE,
    TRACEPARENT,
    WORD,
    Services,
    planted_settings,
)
from tests.kit import http
from tests.kit.events import CONTACT, account, credit, event, purchase, renewal
from tests.kit.parts import finish
from tests.kit.relay import Answer, SmtpCommand, scripted_relay
from tests.kit.waiting import eventually


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


def _relay_answer(command: SmtpCommand) -> Answer:
    """A relay whose every refusal repeats what it was told."""
    if command.verb == "CONNECT" and command.connection == 1:
        return f"421 4.3.2 {NAME} <{EMAIL}> of {WORD} is not welcome"
    return f"550 5.1.1 <{EMAIL}>: {NAME} is unknown, {SECRET}" if command.verb == "RCPT" else None


@asynccontextmanager
async def _services(
    kafka: Kafka, folder: Path, urls: tuple[str, str], **more: Any
) -> AsyncIterator[tuple[Services, dict[str, subprocess.Popen[bytes]]]]:
    url, owner_url = urls
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    try:
        async with scripted_relay(_relay_answer) as relay:
            services = Services(planted_settings(kafka, url, relay.port, **more), folder, owner_url, producer)
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
    async with http.client() as client:
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
            assert len(services.lines_of(service, kind)) == 1, kind
        assert services.lines_of(service, "library") == []
    letters = "\n".join(services.lines_of("subscription", "dead_letter"))
    for reason in ("not_json", "not_cloudevents", "unknown_type", "invalid_data", "subject_mismatch", "time_in_future"):
        assert reason in letters
    for word in ("id_conflict", "too_large", "internal_error", "evt-data", "evt-type", "evt-fault", "evt-conflict"):
        assert word in letters
    [fault] = [line for line in services.lines_of("subscription", "dead_letter") if "evt-fault" in line]
    assert TRACE in fault
    [refusal] = services.lines_of("subscription", "refused")
    for word in ("terms_not_accepted", "evt-refused", TRACE):
        assert word in refusal
    assert any(TRACE in line and "550 5.1.1" in line for line in services.lines_of("notifier", "email_failed"))
    assert any("evt-foreign" in line and TRACE in line for line in services.lines_of("notifier", "dead_letter"))
    for service, component in (("subscription", "consuming"), ("notifier", "mail"), ("notifier", "keys")):
        assert any(component in line for line in services.lines_of(service, "waiting")), component
    assert any("consuming" in line for line in services.lines_of("subscription", "goes_on"))
