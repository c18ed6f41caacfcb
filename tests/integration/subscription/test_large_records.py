"""Records that are small on the wire and large inside: dead letters within bounds, and neighbours that go on."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import DEAD_LETTERS, PURCHASES
from shared.kafka.sizes import KEPT_BYTES, MAX_HEADERS_BYTES, MAX_KEY_BYTES
from tests.integration.subscription.serving import World
from tests.kit.waiting import eventually

LARGE: Final = 17 * 1024 * 1024
VALUES: Final = (b"v" * 1_000_000, b"v" * 1_000_001, b"v" * LARGE)


async def send(service: World, *records: Mapping[str, Any]) -> None:
    """Compressed, so that the broker takes what it would refuse otherwise; into partition 0, one request each."""
    producer = AIOKafkaProducer(
        bootstrap_servers=service.settings.kafka_bootstrap_servers, compression_type="gzip", max_request_size=4 * LARGE
    )
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(service.name(PURCHASES), partition=0, **record)
    finally:
        await producer.stop()


async def letters(service: World, number: int) -> list[Any]:
    """The dead letters, once there are so many, in order of the offsets that they had."""

    async def all_there() -> list[Any]:
        found = await service.records(DEAD_LETTERS)
        return found if len(found) >= number else []

    found = await eventually(all_there)
    return sorted(found, key=lambda record: int(dict(record.headers)["dead-letter-offset"]))


@pytest.mark.rule("G4")
async def test_what_is_too_large_becomes_a_dead_letter_within_bounds_and_neighbours_go_on(service: World) -> None:
    large_header = ("x", b"\x00" * LARGE)
    await send(
        service,
        *({"value": value} for value in VALUES),
        {"value": b"{}", "headers": [large_header, ("small", b"1")]},
        {"value": b"{}", "key": b"k" * (MAX_KEY_BYTES + 1)},
    )
    await service.send("bo", "account.credited", entry_id="c-1", amount="5.00", currency="USD")
    async with asyncio.timeout(10):
        await eventually(lambda: service.states("bo"))
    found = await letters(service, 5)
    told = [dict(record.headers) for record in found]
    reasons = [each["dead-letter-reason"].decode() for each in told]
    assert reasons == ["not_json", "too_large", "too_large", "too_large", "too_large"]
    assert [len(record.value) for record in found] == [1_000_000, KEPT_BYTES, KEPT_BYTES, 2, 2]
    assert [each.get("dead-letter-value-size") for each in told[:3]] == [None, b"1000001", b"%d" % LARGE]
    assert told[2]["dead-letter-value-sha256"] == sha256(VALUES[2]).hexdigest().encode()
    assert (told[3]["small"], told[3]["dead-letter-headers-size"]) == (b"1", b"%d" % (LARGE + 7))
    assert b"headers" in told[3]["dead-letter-detail"]
    assert f"at most {MAX_HEADERS_BYTES} are read".encode() in told[3]["dead-letter-detail"]
    assert (len(found[4].key), told[4]["dead-letter-key-size"]) == (MAX_KEY_BYTES, b"%d" % (MAX_KEY_BYTES + 1))


@pytest.mark.rule("G4")
async def test_many_records_that_are_nearly_too_large_are_stored_and_published_in_parts(service: World) -> None:
    await send(service, *({"value": b"[" * 900_000} for _ in range(60)))
    await service.send("bo", "account.credited", entry_id="c-1", amount="5.00", currency="USD")
    found = await letters(service, 60)
    assert {len(record.value) for record in found} == {900_000}
    assert await eventually(lambda: service.states("bo"))
