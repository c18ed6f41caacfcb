"""Foreign clients: the CloudEvents SDK over librdkafka sends, kcat reads, promtool and an OpenAPI validator judge.

One stack serves all tests here. Each has an account of its own, so their order does not matter.
"""

import asyncio
import json
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from shared.contracts.schemas import schema
from shared.contracts.topics import TOPICS, Form, Topic
from tenure.tokens import token
from tests.kit import events, http
from tests.kit.events import CONTACT, PARTIAL, START
from tests.kit.stack import RunningStack, running_stack

PATIENCE = 30.0
SERVICES = ["subscription", "notifier"]
MODES = [kafka.to_structured_event, kafka.to_binary_event]
OUTPUTS = [topic for topic in TOPICS.values() if not topic.is_input]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    async with running_stack(tmp_path_factory.mktemp("clients")) as made:
        yield made


def _event(type_: str, account: str, **data: Any) -> CloudEvent:
    attributes = {"id": uuid.uuid4().hex, "source": "/clients", "type": f"tenure.{type_}.v1", "subject": account}
    return CloudEvent({**attributes, "time": START}, {"account_id": account, **data})


def _purchase(account: str) -> CloudEvent:
    usual = {"duration_months": 1, "auto_renewal": False, "terms_accepted": True}
    order = {"order_id": f"order-{account}", "contact": CONTACT, "specification": PARTIAL}
    return _event("purchase.ordered", account, **order, **usual)


def _server(account: str, number: int) -> CloudEvent:
    return _event("server.registered", account, server_id=f"server-{number}", cores=2)


def _producer(stack: RunningStack, **options: Any) -> Producer:
    return Producer({"bootstrap.servers": stack.ready["kafka"], "enable.idempotence": True, **options})


def _send(producer: Producer, topic: str, event: CloudEvent, mode: Callable[..., kafka.KafkaMessage]) -> None:
    message = mode(event, key_mapper=lambda each: each.get_subject())
    producer.produce(topic, value=message.value, key=message.key, headers=dict(message.headers))


async def _overview(stack: RunningStack, account: str, until: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """The account's overview, once it is as it must become. Raises `TimeoutError`."""
    bearer = {"Authorization": f"Bearer {token('ops', stack.ready['auth_secret'], operator=True)}"}
    url = f"{stack.ready['subscription_url']}/api/accounts/{account}"
    async with asyncio.timeout(PATIENCE), http.client(headers=bearer) as client:
        while True:
            answer = await client.get(url)
            if answer.status_code == httpx.codes.OK and until(answer.json()):
                found: Mapping[str, Any] = answer.json()
                return found
            await asyncio.sleep(0.1)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: `make tools` installs the system programs that tests use.")
    return found


def _kcat(stack: RunningStack, topic: str) -> list[dict[str, Any]]:
    """What kcat reads of the topic up to its end, as it says it in JSON."""
    command = [_program("kcat"), "-b", stack.ready["kafka"], "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.rule("G1")
async def test_both_modes_and_both_ways_of_placing_a_key_reach_the_same_account(stack: RunningStack) -> None:
    account = events.account()
    producers = [_producer(stack), _producer(stack, partitioner="murmur2_random")]
    _send(producers[0], "purchases", _purchase(account), MODES[0])
    for number in range(12):
        _send(producers[number % 2], "server-inventory", _server(account, number), MODES[number // 2 % 2])
    for producer in producers:
        assert producer.flush(PATIENCE) == 0
    overview = await _overview(stack, account, lambda found: found["registered"]["servers"] == 12)
    assert overview["registered"] == {"servers": 12, "cores": 24}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_batch_is_read(stack: RunningStack, codec: str) -> None:
    account = events.account()
    producer = _producer(stack, **{"compression.type": codec, "linger.ms": 200})
    for number in range(50):
        _send(producer, "server-inventory", _server(account, number), MODES[0])
    assert producer.flush(PATIENCE) == 0
    await _overview(stack, account, lambda found: found["registered"]["servers"] == 50)


@pytest.mark.rule("G1")
async def test_transactions_upstream_are_read_when_committed_and_their_markers_hold_up_no_barrier(
    stack: RunningStack,
) -> None:
    account, lost = events.account(), events.account()
    producer = _producer(stack, **{"transactional.id": f"upstream-{account}"})
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    _send(producer, "purchases", _purchase(account), MODES[0])
    _send(producer, "server-inventory", _server(account, 1), MODES[1])
    producer.commit_transaction(PATIENCE)
    producer.begin_transaction()
    _send(producer, "purchases", _purchase(lost), MODES[0])
    assert producer.flush(PATIENCE) == 0
    producer.abort_transaction(PATIENCE)
    assert await _settled(stack) == set(SERVICES)
    published = {one["key"] for one in _kcat(stack, "subscription-lifecycle")}
    assert (account in published, lost in published) == (True, False)


async def _settled(stack: RunningStack) -> set[str]:
    """Ask for a barrier at the present instant; which services have settled it."""
    advance = _event("clock.advanced", "test")
    wire = {**advance.get_attributes(), "time": START.isoformat(), "data": {"now": START.isoformat()}}
    producer = _producer(stack)
    producer.produce("test-clock", value=json.dumps(wire).encode())
    assert producer.flush(PATIENCE) == 0
    settled: set[str] = set()
    async with asyncio.timeout(PATIENCE):
        while settled != set(SERVICES):
            events_of_clock = [json.loads(one["payload"])["data"] for one in _kcat(stack, "test-clock-settled")]
            settled = {one["service"] for one in events_of_clock if one["advance_id"] == advance.get_id()}
            await asyncio.sleep(0.1)
    return settled


async def test_kcat_reads_what_comes_out_with_its_key_and_headers(stack: RunningStack) -> None:
    account, poison = events.account(), uuid.uuid4().hex
    producer = _producer(stack)
    _send(producer, "purchases", _purchase(account), MODES[0])
    producer.produce("renewals", value=poison.encode(), key=account.encode())
    assert producer.flush(PATIENCE) == 0
    await _settled(stack)
    [event] = [one for one in _kcat(stack, "subscription-lifecycle") if one["key"] == account]
    headers = _headers(event["headers"])
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["sequence"] == str(json.loads(event["payload"])["sequence"])
    states = [one for one in _kcat(stack, "subscription-state") if one["key"] == account]
    assert json.loads(states[-1]["payload"])["state"] == "active"
    [letter] = [one for one in _kcat(stack, "dead-letters") if one["payload"] == poison]
    assert letter["key"] == account
    assert _headers(letter["headers"])["dead-letter-reason"] == "not_json"
    outcomes = [json.loads(one["payload"]) for one in _kcat(stack, "notification-outcomes") if one["key"] == account]
    assert {one["data"]["channel"] for one in outcomes} == {"email", "inbox"}


@pytest.mark.parametrize("topic", OUTPUTS, ids=lambda topic: topic.name)
async def test_every_record_that_comes_out_keeps_to_the_published_schemas(stack: RunningStack, topic: Topic) -> None:
    account = events.account()
    producer = _producer(stack)
    _send(producer, "purchases", _purchase(account), MODES[0])
    _send(producer, "renewals", _event("auto_renewal.enabled", account, cycle_months=2), MODES[0])
    producer.produce("renewals", value=b"poison", key=account.encode())
    assert producer.flush(PATIENCE) == 0
    await _settled(stack)
    messages = await _messages(stack)
    records = _kcat(stack, topic.name)
    assert records or topic.name == "notification-dead-letters"
    for record in records:
        name = _message_name(topic, record)
        _validate(messages[name]["headers"], _headers(record["headers"]))
        if topic.contracts:
            _validate(schema(name), json.loads(record["payload"]))


def _message_name(topic: Topic, record: Mapping[str, Any]) -> str:
    """The event's type; of other values the only message of their topic."""
    if topic.form is Form.EVENT:
        return str(json.loads(record["payload"])["type"])
    return next(iter(topic.contracts), topic.name)


def _validate(published: Mapping[str, Any], value: Any) -> None:
    Draft202012Validator(published, format_checker=FormatChecker()).validate(value)


async def _messages(stack: RunningStack) -> dict[str, Any]:
    """Name -> message, of both AsyncAPI documents as they are served."""
    found: dict[str, Any] = {}
    async with http.client() as client:
        for service in SERVICES:
            document = (await client.get(f"{stack.ready[f'{service}_url']}/asyncapi.json")).json()
            found |= document["components"]["messages"]
    return found


def _headers(flat: Sequence[str]) -> dict[str, str]:
    """Header name -> value; kcat writes names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.mark.parametrize("service", SERVICES)
async def test_promtool_has_nothing_to_say_about_the_metrics(stack: RunningStack, service: str) -> None:
    async with http.client() as client:
        answer = await client.get(f"{stack.ready[f'{service}_url']}/metrics")
    assert "tenure_ready 1.0" in answer.text
    assert _promtool(answer.text) == (0, "", "")


def _promtool(metrics: str) -> tuple[int, str, str]:
    """Exit code and words of its check."""
    command = [_program("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=metrics, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("service", SERVICES)
async def test_the_openapi_document_is_valid(stack: RunningStack, service: str) -> None:
    async with http.client() as client:
        document = (await client.get(f"{stack.ready[f'{service}_url']}/openapi.json")).json()
    validate(document)
    assert document["paths"]
