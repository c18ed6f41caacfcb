"""HTTP under load delays nobody's decision by a second: events are sent one after the other, with and without it."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, OUTCOMES, TOPIC_OF_TYPE
from shared.runtime.settings import Settings
from tests.integration.notifier.samples import event as lifecycle_event
from tests.kit import http
from tests.kit.events import account, purchase
from tests.kit.process import service_process, start
from tests.kit.tokens import bearer
from tests.kit.topics import consumer
from tests.kit.waiting import eventually, least

HAMMER: Final = Path(__file__).parents[2] / "kit" / "hammer.py"
EVENTS: Final = 8
SUBSCRIPTION: Final = ("subscription_service", LIFECYCLE)
NOTIFIER: Final = ("notifier_service", OUTCOMES)


@contextmanager
def load(port: int, kind: str) -> Iterator[None]:
    """Load on HTTP until the block ends; the block begins when it is under way."""
    command = [sys.executable, str(HAMMER), str(port), kind, bearer("greedy")["Authorization"]]
    with start(command, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            yield
        finally:
            child.kill()


@asynccontextmanager
async def running(module: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A copy as a process of its own that consumes, and a client of its HTTP with an address of its own: those who
    make the load have used up what one address may have. As a probe it connects anew for each request: a connection
    that is kept and idle gives way under load.
    """
    url, nothing_kept = f"http://127.0.0.1:{settings.http_port}", httpx.Limits(max_keepalive_connections=0)
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2", limits=nothing_kept)
    with service_process(module, settings):
        async with http.client(base_url=url, transport=elsewhere) as client:
            await eventually(lambda: consumes(client))
            yield client


async def consumes(client: httpx.AsyncClient) -> bool:
    try:
        found = (await client.get("/ready")).json()
    except httpx.TransportError:
        return False
    return "troubles" in found and not found["troubles"].keys() - {"mail"}


def event_of(module: str) -> dict[str, Any]:
    """An event that leads to one record of its account on the service's output topic."""
    who = account()
    return purchase(who) if module == "subscription_service" else lifecycle_event("renewal_declined", who, 1)


async def seconds_to_decide(settings: Settings, module: str, output: str) -> float:
    """The most for one of `EVENTS` events, each sent when the one before was published as decided."""
    found: list[float] = []
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    async with consumer(settings.kafka_bootstrap_servers, f"{settings.topic_prefix}{output}") as reader:
        for _ in range(EVENTS):
            sent = event_of(module)
            topic = f"{settings.topic_prefix}{TOPIC_OF_TYPE.get(sent['type'], LIFECYCLE)}"
            began = time.monotonic()
            await producer.send_and_wait(topic, json.dumps(sent).encode(), key=sent["subject"].encode())
            while sent["subject"].encode() != (await reader.getone()).key:
                pass
            found.append(time.monotonic() - began)
    await producer.stop()
    return max(found)


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        (SUBSCRIPTION, "/metrics"),
        (SUBSCRIPTION, "/asyncapi"),
        (SUBSCRIPTION, "/openapi.json"),
        (SUBSCRIPTION, "/api/accounts/none"),
        (SUBSCRIPTION, "half"),
        (NOTIFIER, "/asyncapi.json"),
        (NOTIFIER, "half"),
        (NOTIFIER, "streams"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
async def test_under_load_on_http_a_neighbours_event_is_decided_less_than_a_second_later(
    settings: Settings, service: tuple[str, str], kind: str
) -> None:
    module, output = service
    async with running(module, settings) as client:
        usual = await seconds_to_decide(settings, module, output)
        with load(settings.http_port, kind):
            found = await least(partial(seconds_to_decide, settings, module, output), usual + 1)
            await eventually(lambda: consumes(client))  # a connection may be one too many
    print(f"{module} {kind}: decided within {found:.3f} s, {usual:.3f} s without load")  # noqa: T201
    assert found < usual + 1
