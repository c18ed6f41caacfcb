"""Any value of any parameter, header or body of any path: an answer that the OpenAPI document names, never 5xx.

The documents are those that are published; the requests go over sockets to the services on real parts.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from shared.contracts.topics import LIFECYCLE, PURCHASES
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.postgres import Postgres
from tests.integration.notifier.samples import event as lifecycle_event
from tests.kit import http
from tests.kit.events import purchase
from tests.kit.examples import examples
from tests.kit.parts import finish
from tests.kit.ports import free_port
from tests.kit.process import service_process
from tests.kit.settings import fresh_settings
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually

CONTRACTS: Final = Path(__file__).parents[3] / "docs" / "contracts"
KNOWN: Final = "acme"
UNLIMITED: Final = 1_000_000
MODULES: Final = {"subscription": "subscription_service", "notifier": "notifier_service"}
STREAM: Final = "/api/inbox/stream"
TRIES: Final = {"/api/forecast": 15}
"""Of a path whose answer takes a second; of all others 40."""

NUMBERS: Final = ["-1", "0", "1", "7", "200", "201", "1000", "1001", *(str(2**power) for power in (31, 62, 63, 64))]
ODD_NUMBERS: Final = ["9" * 5000, "-" + "9" * 400, "1e400", "1_0", "+1", "٣", "0x1", "1.5", "NaN", "Infinity"]
TIMES: Final = [
    *("2026-02-30", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z"),
    *(
        "2016-12-31T23:59:60Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+99:99",
        "2026-01-01T00:00:00.%s1Z" % ("0" * 99),
    ),
]
TEXTS: Final = [
    "",
    " ",
    "\0",
    "a\0b",
    KNOWN,
    "tag",
    "renewed",
    "queued",
    "true",
    "null",
    "[]",
    "'; --",
    "%",
    "..",
    "/",
    "a" * 129,
]
values = (
    st.sampled_from([*NUMBERS, *ODD_NUMBERS, *TIMES, *TEXTS]).map(str.encode)
    | st.binary(max_size=40)
    | (st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800")
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=6
)
muted = st.fixed_dictionaries(
    {"kind": st.sampled_from(["renewed", "expired", "\ud800", "\0", ""]) | anything}
) | st.builds(
    lambda kind, channel: {"kind": kind, "channel": channel},
    st.sampled_from(["renewed", "expired", "renewal_due"]),
    st.sampled_from(["email", "inbox"]) | anything,
)
documents = anything | st.fixed_dictionaries({"muted": st.lists(muted, max_size=4) | anything})
LARGE: Final = {
    "empty": b"",
    "deep list": b"[" * 60_000,
    "deep object": b'{"muted":' * 6_000,
    "long number": b"9" * 60_000,
    "too large": b" " * 70_000,
    "given twice": b'{"muted": [], "muted": 7}',
}
"""By name, since Hypothesis shows what it has drawn."""
bodies = (
    documents.map(lambda document: json.dumps(document).encode())
    | st.binary(max_size=99)
    | st.sampled_from(sorted(LARGE))
)


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the document has it."""

    service: str
    method: str
    path: str
    document: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def parameters(self, place: str) -> list[str]:
        return [each["name"] for each in self.document.get("parameters", ()) if each["in"] == place]


@cache
def document(service: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONTRACTS / f"openapi-{service}.json").read_text("utf-8"))
    return found


OPERATIONS: Final = [
    Operation(service, method, path, operation)
    for service in MODULES
    for path, methods in document(service)["paths"].items()
    for method, operation in methods.items()
]


@dataclass(frozen=True)
class Sent:
    """A request as bytes, and as a test failure shows it."""

    target: str
    headers: Mapping[str, str]
    body: bytes | str | None
    """A string names one of `LARGE`."""


@st.composite
def requests(draw: st.DrawFn, operation: Operation) -> Sent:
    """Parameters that are left out, given, given twice or unknown; with a good token, a bad one or none."""
    target = operation.path
    for name in operation.parameters("path"):
        target = target.replace(f"{{{name}}}", quote(draw(st.just(KNOWN.encode()) | values), safe=""))
    names = st.sampled_from([*operation.parameters("query"), "unknown"])
    pairs = draw(st.lists(st.tuples(names, values), max_size=3))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    headers = draw(
        st.sampled_from([*[bearer(KNOWN, "operator")] * 6, bearer(KNOWN), {"Authorization": "Bearer x"}, {}])
    )
    for name in operation.parameters("header"):
        headers = headers | {name: draw(values).decode("latin-1").translate(dict.fromkeys(range(32), "_")).strip()}
    body = draw(st.none() | bodies) if operation.method != "get" else None
    kind = draw(st.sampled_from(["application/json", "application/json; charset=utf-7", "text/plain", "x"]))
    return Sent(f"{target}?{query}", {**headers, "Content-Type": kind} if body is not None else headers, body)


@pytest.fixture(scope="module")
def clients(kafka: Kafka, postgres: Postgres) -> Iterator[Mapping[str, httpx.Client]]:
    """Service -> a client of a running copy that knows the account `KNOWN`."""
    with ExitStack() as stack:
        rates = {"http_rate_per_address": UNLIMITED, "http_rate_per_token": UNLIMITED}
        made = {}
        for service, module in MODULES.items():
            given_ = stack.enter_context(fresh_settings(kafka, postgres, http_port=free_port(), **rates))
            stack.enter_context(service_process(module, given_))
            url = f"http://127.0.0.1:{given_.http_port}"
            made[service] = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=30))
            finish(prepare(service, given_, url))
        yield made


async def prepare(service: str, given_: Settings, url: str) -> None:
    """Wait until the copy consumes, and let it hear of the account."""
    topic, sent = (
        (PURCHASES, purchase(KNOWN))
        if service == "subscription"
        else (LIFECYCLE, lifecycle_event("activated", KNOWN, 1))
    )
    known = f"/api/accounts/{KNOWN}" if service == "subscription" else f"/api/notifications?account_id={KNOWN}"
    async with http.client(base_url=url) as client:
        await eventually(lambda: consumes(client))
        async with AIOKafkaProducer(bootstrap_servers=given_.kafka_bootstrap_servers) as producer:
            await producer.send_and_wait(f"{given_.topic_prefix}{topic}", json.dumps(sent).encode(), key=KNOWN.encode())
        await eventually(lambda: is_known(client, known))


async def consumes(client: httpx.AsyncClient) -> bool:
    try:
        return not (await client.get("/ready")).json()["troubles"].keys() - {"mail"}
    except httpx.TransportError:
        return False


async def is_known(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path, headers=bearer(KNOWN, "operator"))).status_code == 200


def answer(client: httpx.Client, operation: Operation, sent: Sent) -> tuple[int, str, bytes]:
    """Status, media type and body; of a stream its beginning only."""
    how: dict[str, Any] = {"headers": [(name, value.encode("latin-1")) for name, value in sent.headers.items()]}
    how["content"] = LARGE[sent.body] if isinstance(sent.body, str) else sent.body
    with client.stream(operation.method.upper(), sent.target, **how) as found:
        kind = found.headers.get("content-type", "").partition(";")[0]
        return found.status_code, kind, b"" if kind == "text/event-stream" else found.read()


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_whatever_is_sent_the_answer_is_one_that_the_document_names(
    clients: Mapping[str, httpx.Client], operation: Operation
) -> None:
    client = clients[operation.service]

    @settings(
        max_examples=examples(TRIES.get(operation.path, 40)), deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(requests(operation))
    def holds(sent: Sent) -> None:
        status, kind, body = answer(client, operation, sent)
        named = operation.document["responses"]
        ready = operation.path == "/ready"
        assert status < 500 or ready, body
        assert str(status) in named or status in (404, 405), (status, body)
        if status >= 400 and not ready:
            assert kind == "application/problem+json"
            assert json.loads(body)["status"] == status
        elif kind == "application/json":
            assert_valid(operation, named[str(status)]["content"][kind]["schema"], body)

    holds()
    assert client.get("/health").status_code == 200


def assert_valid(operation: Operation, schema: Mapping[str, Any], body: bytes) -> None:
    """The body fits the document's schema."""
    whole = {**schema, "components": document(operation.service)["components"]}
    assert list(Draft202012Validator(whole).iter_errors(json.loads(body))) == []
