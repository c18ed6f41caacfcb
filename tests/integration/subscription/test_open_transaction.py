"""An upstream transaction that stays open holds back orders: timers wait for them, and `/ready` says why (R4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import RENEWALS
from shared.kafka import lag
from tests.integration.subscription.samples import BEGINS
from tests.integration.subscription.serving import World
from tests.kit.events import account, purchase, renewal
from tests.kit.waiting import eventually

AFTER_EXPIRY = BEGINS + timedelta(days=40)


@asynccontextmanager
async def open_transaction(service: World, account_id: str, *, seconds: float) -> AsyncIterator[AIOKafkaProducer]:
    """A renewal in time, in a transaction that the broker ends after so many seconds."""
    producer = AIOKafkaProducer(
        bootstrap_servers=service.settings.kafka_bootstrap_servers,
        transactional_id=f"{service.name(RENEWALS)}-upstream",
        transaction_timeout_ms=int(seconds * 1000),
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        event = json.dumps(renewal(account_id, BEGINS)).encode()
        await producer.send_and_wait(service.name(RENEWALS), event, partition=0)
        yield producer
    finally:
        await producer.stop()


async def says_of_its_lag(service: World, expected: str) -> bool:
    troubles = (await service.client.get("/ready")).json()["troubles"]
    return bool(troubles.get("lag") == expected)


@pytest.mark.rule("R4")
async def test_a_renewal_in_an_open_transaction_counts_as_in_time_when_it_is_committed(
    service: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STILL_SECONDS", 1.0)
    who = account()
    await service.publish(purchase(who, BEGINS))
    await service.settle()
    async with open_transaction(service, who, seconds=60) as producer:
        settling = asyncio.create_task(service.settle(AFTER_EXPIRY))

        expected = f"{service.name(RENEWALS)}-0: an open transaction holds back the records from 0 on"
        await eventually(lambda: says_of_its_lag(service, expected))
        assert await service.kinds(who) == ["activated"]
        await producer.commit_transaction()
        await settling
    assert (await service.kinds(who))[:2] == ["activated", "renewed"]
    await service.ready()


@pytest.mark.rule("R4", "G5")
async def test_a_transaction_that_nobody_ends_is_waited_for_until_the_broker_aborts_it(service: World) -> None:
    who = account()
    await service.publish(purchase(who, BEGINS))
    await service.settle()
    async with open_transaction(service, who, seconds=3):
        await service.settle(AFTER_EXPIRY)
    kinds = await service.kinds(who)
    assert "expired" in kinds
    assert "renewed" not in kinds
