"""Records that no client decodes, that a disk has damaged, or that are huge inside, and an order that an open
transaction holds back, all while events flow: each is a dead letter or is waited for, and nothing is lost or doubled.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import DEAD_LETTERS, PURCHASES, RENEWALS
from tests.faults.flow import EVENTS_PER_ACCOUNT, audit_is_clean, event, feed, nothing_lost_or_doubled
from tests.kit.damage import damage
from tests.kit.events import credit
from tests.kit.raw_batches import CODECS, produce_raw, raw_batch, raw_record
from tests.kit.stack import RunningStack, running_stack
from tests.kit.topics import read_topic
from tests.kit.waiting import eventually

EVENTS: Final = 600
MEGABYTE: Final = 1024 * 1024
MANY: Final = 100
STILL_SECONDS: Final = 60.0
"""Within which `/ready` names a partition that does not move; it looks every few seconds whether 15 s have passed."""
FETCH_SECONDS: Final = 2.0
"""After which no fetch of a stopped service waits at the broker any more."""
LAST_RENEWAL: Final = EVENTS - EVENTS_PER_ACCOUNT + 1
"""The number of the flow's last renewal, which is sent once more inside of a transaction."""


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G4", "G5")
@pytest.mark.timeout(900)
async def test_poison_records_are_dead_letters_and_nothing_else_is_lost_or_doubled(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        feeding = asyncio.create_task(feed(stack, EVENTS, per_second=15))
        names = await _headers_that_no_client_decodes(stack)
        huge = await _huge_inside(stack)
        damaged = await _damaged_on_the_disk(stack, tmp_path / "data" / "kafka")
        await feeding
        await nothing_lost_or_doubled(stack, EVENTS)
        await eventually(lambda: _dead_letters(stack, names + huge + damaged), 120)
        await stack.until_ready()
        outcomes = await stack.outcomes()
        assert (outcomes["applied"], outcomes["rejected"], outcomes["parked"]) == (EVENTS + 1, 0, 0)
        assert outcomes["dead_letter"] == names + huge + damaged
        await audit_is_clean(stack)


async def _headers_that_no_client_decodes(stack: RunningStack) -> int:
    """Each between two good records of its batch, or in a batch of every codec; how many dead letters it makes."""
    for codec in CODECS:
        bad = raw_record(0, b"{}", [(b"\xff\xfe", b"x")])
        await produce_raw(stack.ready["kafka"], PURCHASES, raw_batch(bad, codec=codec))
    value = json.dumps(credit("beside-a-poison", "1.00")).encode()
    between = (raw_record(0, b"{}", [(b"\xff", b"")]), raw_record(1, value), raw_record(2, b"{}", [(b"\xfe", b"")]))
    await produce_raw(stack.ready["kafka"], PURCHASES, raw_batch(*between))
    return len(CODECS) + 2


async def _huge_inside(stack: RunningStack) -> int:
    """Small on the wire, up to 300 MB inside; how many dead letters it makes."""
    for batch in (
        raw_batch(raw_record(0, b"\0" * (17 * MEGABYTE)), codec="zstd"),
        raw_batch(raw_record(0, b"{}", [(b"h", b"\1" * (200 * MEGABYTE))]), codec="zstd"),
        raw_batch(raw_record(0, b"v" * (300 * MEGABYTE)), codec="zstd"),
        raw_batch(raw_record(0, b"v" * (150 * MEGABYTE)), codec="gzip"),
        raw_batch(*(raw_record(number, b"[" * 1_000_001) for number in range(MANY)), codec="zstd"),
    ):
        await produce_raw(stack.ready["kafka"], PURCHASES, batch)
    return 4 + MANY


async def _damaged_on_the_disk(stack: RunningStack, kafka_folder: Path) -> int:
    """A wrong checksum, and a codec that nobody knows; how many dead letters they make."""
    async with stack.suspended("subscription"):
        await asyncio.sleep(FETCH_SECONDS)
        for value, rightly_summed in ((b"wrong-checksum", False), (b"unknown-codec", True)):
            await produce_raw(stack.ready["kafka"], PURCHASES, raw_batch(raw_record(0, value)), partition=1)
            damage(kafka_folder, PURCHASES, value, partition=1, rightly_summed=rightly_summed)
    return 2


async def _dead_letters(stack: RunningStack, count: int) -> bool:
    return len(await read_topic(stack.ready["kafka"], DEAD_LETTERS)) == count


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G5")
@pytest.mark.timeout(600)
async def test_a_partition_that_an_open_transaction_holds_back_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        async with _open_transaction(stack) as producer:
            feeding = asyncio.create_task(feed(stack, EVENTS, per_second=15))
            expected = f"{RENEWALS}-0: an open transaction holds back the records from 0 on"
            await eventually(lambda: _says_of_its_lag(stack, expected), STILL_SECONDS)
            await feeding
            assert await _says_of_its_lag(stack, expected)
            others = await eventually(lambda: _all_but_the_held_back(stack))
            assert 0 < others < EVENTS
            await producer.commit_transaction()
        await nothing_lost_or_doubled(stack, EVENTS)
        await stack.until_ready()
        outcomes = await stack.outcomes()
        assert (outcomes["applied"], outcomes["rejected"], outcomes["parked"]) == (EVENTS, 0, 0)
        await audit_is_clean(stack)


@asynccontextmanager
async def _open_transaction(stack: RunningStack) -> AsyncIterator[AIOKafkaProducer]:
    """An order of the flow itself on the first place of a partition, which only this transaction's end lets go."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.ready["kafka"], transactional_id="upstream", transaction_timeout_ms=600_000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        order = event(LAST_RENEWAL)
        await producer.send_and_wait(RENEWALS, json.dumps(order).encode(), key=order["subject"].encode(), partition=0)
        yield producer
    finally:
        await producer.stop()


async def _says_of_its_lag(stack: RunningStack, expected: str) -> bool:
    return (await stack.troubles("subscription")).get("lag") == expected


async def _all_but_the_held_back(stack: RunningStack) -> int:
    """How many events were applied, once every account has its subscription."""
    outcomes = await stack.outcomes()
    return outcomes["applied"] if outcomes["applied"] >= EVENTS * 4 // EVENTS_PER_ACCOUNT else 0
