"""Copies with one role each: together they do what a copy with all does, and each needs no more than its part."""

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from notifier_service.app import NOTIFIER
from shared.contracts.topics import LIFECYCLE, OUTCOMES, PURCHASES
from shared.runtime.settings import Settings
from subscription_service.app import SUBSCRIPTION
from tests.integration.notifier.samples import event as lifecycle_event
from tests.kit.events import account, purchase
from tests.kit.service import RunningService, running_service
from tests.kit.tokens import bearer, operator
from tests.kit.topics import read_topic
from tests.kit.waiting import eventually

MAIL = ["mail"]
NOWHERE = "127.0.0.1:1"


def only_http(settings: Settings) -> Settings:
    """Without a broker: HTTP needs none."""
    return settings.model_copy(update={"roles": "http", "kafka_bootstrap_servers": NOWHERE})


def only_intake(settings: Settings) -> Settings:
    return settings.model_copy(update={"roles": "intake"})


async def publish(settings: Settings, topic: str, event: dict[str, Any]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        name, key = f"{settings.topic_prefix}{topic}", event["subject"].encode()
        await producer.send_and_wait(name, json.dumps(event).encode(), key=key)


async def test_one_copy_decides_and_another_shows_it(settings: Settings) -> None:
    who = account()
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(running_service(SUBSCRIPTION, only_intake(settings)))
        shown = await stack.enter_async_context(running_service(SUBSCRIPTION, only_http(settings)))
        assert (await shown.client.get("/ready")).json() == {"ready": True, "troubles": {}}
        await publish(settings, PURCHASES, purchase(who))
        await eventually(lambda: found(shown, f"/api/accounts/{who}", operator()))
        for path in ("/health", "/ready", "/metrics", "/asyncapi"):
            assert (await intake.client.get(path)).status_code == 200
        assert (await intake.client.get(f"/api/accounts/{who}", headers=operator())).status_code == 404


async def test_one_copy_notifies_and_another_has_the_inbox_whose_streams_hear_of_it(settings: Settings) -> None:
    who = account()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_service(NOTIFIER, only_intake(settings), but_for=MAIL))
        inbox = await stack.enter_async_context(running_service(NOTIFIER, only_http(settings)))
        stream = inbox.client.stream("GET", "/api/inbox/stream", headers=bearer(who))
        lines = (await stack.enter_async_context(stream)).aiter_lines()
        await publish(settings, LIFECYCLE, lifecycle_event("renewal_declined", who, 1))
        assert "event: message" in [await anext(lines) for _ in range(8)]
        assert (await inbox.client.post("/api/inbox/read-all", headers=bearer(who))).json() == {"unread": 0}
        await eventually(lambda: published(settings, "tenure.notification.read.v1"))


async def test_a_copy_for_http_waits_for_one_that_makes_the_tables(settings: Settings) -> None:
    ours = only_http(settings)
    async with running_service(SUBSCRIPTION, ours, but_for=["database"]) as shown:
        await eventually(lambda: waits_for_intake(shown))
        assert (await shown.client.get("/api/accounts/acme", headers=operator())).status_code == 503
        assert (await shown.client.get("/health")).status_code == 200
        assert (await shown.client.get("/metrics")).status_code == 200
        async with running_service(SUBSCRIPTION, only_intake(settings)):
            await eventually(shown.is_ready)
            assert (await shown.client.get("/api/accounts/acme", headers=operator())).status_code == 404


async def test_a_copy_for_http_with_other_files_than_the_data_says_so_until_the_data_follow_them(
    settings: Settings, tmp_path: Path
) -> None:
    theirs = tmp_path / "policy.toml"
    theirs.write_text('version = "theirs"\ngrace_days = 9\n')
    other = settings.model_copy(update={"policy_file": theirs})
    async with AsyncExitStack() as stack:
        async with running_service(SUBSCRIPTION, only_intake(settings)):
            shown = await stack.enter_async_context(running_service(SUBSCRIPTION, only_http(other), but_for=["policy"]))
            await eventually(lambda: says_of_its_policy(shown, "policy.grace_days: 7 -> 9"))
        async with running_service(SUBSCRIPTION, only_intake(other)):
            await eventually(shown.is_ready)


async def says_of_its_policy(copy: RunningService, expected: str) -> bool:
    answer = await copy.client.get("/ready")
    return answer.status_code == 503 and expected in answer.json()["troubles"].get("policy", "")


async def waits_for_intake(copy: RunningService) -> bool:
    answer = await copy.client.get("/ready")
    assert answer.status_code == 503
    return "no copy with the role intake" in answer.json()["troubles"]["database"]


async def found(copy: RunningService, path: str, headers: dict[str, str]) -> bool:
    answer: httpx.Response = await copy.client.get(path, headers=headers)
    return answer.status_code == 200


async def published(settings: Settings, type_: str) -> bool:
    records = await read_topic(settings.kafka_bootstrap_servers, f"{settings.topic_prefix}{OUTCOMES}")
    return type_ in [json.loads(record.value)["type"] for record in records]
