"""A copy that hangs (SIGSTOP) holds up nobody: its locks, its leadership and its leases end, and another goes on."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any, Final

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, PURCHASES
from tests.faults.flow import each_event_counted_once, feed, nothing_lost_or_doubled
from tests.faults.frozen import BLOCKED_BY_ME, LEADER, database, process_of, seconds_until, stopped
from tests.kit import http
from tests.kit.events import account, credit
from tests.kit.stack import RunningStack, running_stack
from tests.kit.topics import read_topic

PARTITIONS: Final = 6
OTHERS_GO_ON_WITHIN: Final = 15.0
"""Seconds after a copy was stopped inside a transaction."""
PUBLISHED_WITHIN: Final = 10.0
"""Seconds after the copy that publishes was stopped."""
EVENTS: Final = 600

logger = logging.getLogger(__name__)


async def _publish_everywhere(stack: RunningStack, account_id: str) -> None:
    """A credit of 1.00 on every partition of the topic, so that each copy gets some."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.ready["kafka"])
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            value = json.dumps(credit(account_id, "1.00")).encode()
            await producer.send_and_wait(PURCHASES, value, key=account_id.encode(), partition=partition)
    finally:
        await producer.stop()


async def _balance(connection: asyncpg.Connection, account_id: str) -> Any:
    return await connection.fetchval("SELECT balance FROM subscription.account WHERE account_id = $1", account_id)


@pytest.mark.faults
@pytest.mark.rule("G1", "G5")
@pytest.mark.timeout(300)
async def test_a_copy_stopped_inside_a_transaction_holds_up_the_other_for_15_s_at_most(tmp_path: Path) -> None:
    who = account()
    async with running_stack(tmp_path, "--copies", "2") as stack, database(stack) as mine, database(stack) as reading:
        await _publish_everywhere(stack, who)
        await seconds_until(lambda: _has(reading, who, PARTITIONS), 30)
        lock = mine.transaction()
        await lock.start()
        await mine.execute("SELECT 1 FROM subscription.account WHERE account_id = $1 FOR UPDATE", who)
        await _publish_everywhere(stack, who)
        hanging = await process_of(
            stack, reading, BLOCKED_BY_ME.replace("pg_backend_pid()", str(mine.get_server_pid()))
        )
        async with stopped(hanging):
            await lock.rollback()  # the stopped copy's session has the account now
            answering = asyncio.create_task(_readiness(stack, hanging.pid))
            took = await seconds_until(lambda: _has(reading, who, PARTITIONS + 1), OTHERS_GO_ON_WITHIN)
            slowest, reasons = await answering
        await seconds_until(lambda: _has(reading, who, 2 * PARTITIONS), 60)
        await stack.until_ready()
    logger.info("the other copy went on after %.1f s; slowest /ready %.2f s; %s", took, slowest, reasons)
    assert slowest < 2
    assert any("lock" in reason for reason in reasons), reasons


async def _has(connection: asyncpg.Connection, account_id: str, amount: int) -> bool:
    balance = await _balance(connection, account_id)
    return balance is not None and balance >= amount


async def _readiness(stack: RunningStack, hanging: int) -> tuple[float, set[str]]:
    """`/ready` of the copy that lives, for 8 s: the slowest answer in seconds, and the reasons that it gave."""
    slowest, reasons = 0.0, set[str]()
    loop, url = asyncio.get_running_loop(), _url_of_the_other(stack, hanging)
    async with http.client() as client:
        until = loop.time() + 8
        while loop.time() < until:
            began = loop.time()
            answer = await client.get(f"{url}/ready")
            slowest = max(slowest, loop.time() - began)
            reasons |= set(answer.json().get("troubles", {}).values())
            await asyncio.sleep(0.1)
    return slowest, reasons


def _url_of_the_other(stack: RunningStack, hanging: int) -> str:
    (pid,) = (pid for pid in stack.ready["pids"]["subscription"] if pid != hanging)
    listening = [each for each in psutil.Process(pid).net_connections() if each.status == psutil.CONN_LISTEN]
    return f"http://127.0.0.1:{listening[0].laddr.port}"


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G3", "G4")
@pytest.mark.timeout(400)
async def test_when_the_copy_that_publishes_is_stopped_another_one_publishes_within_10_s(tmp_path: Path) -> None:
    async with running_stack(tmp_path, "--copies", "2") as stack, database(stack) as connection:
        feeding = asyncio.create_task(feed(stack, EVENTS, per_second=15))
        await asyncio.sleep(5)
        leading = await process_of(stack, connection, LEADER)
        async with stopped(leading):
            before = len(await read_topic(stack.ready["kafka"], LIFECYCLE))
            took = await seconds_until(lambda: _more_than(stack, before), PUBLISHED_WITHIN)
            await asyncio.sleep(10)
        await feeding
        logger.info("another copy published after %.1f s", took)
        await nothing_lost_or_doubled(stack, EVENTS)
        await stack.until_ready()
        await each_event_counted_once(stack, EVENTS)


async def _more_than(stack: RunningStack, before: int) -> bool:
    return len(await read_topic(stack.ready["kafka"], LIFECYCLE)) > before


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G3", "G4")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("service", ["subscription", "notifier"])
async def test_a_service_that_wakes_to_cut_sessions_goes_on_in_the_same_process(tmp_path: Path, service: str) -> None:
    """Stopped, its database sessions are cut, woken while they are still being cut: eight times."""
    async with running_stack(tmp_path) as stack, database(stack) as connection:
        before = stack.ready["pids"][service]
        feeding = asyncio.create_task(feed(stack, EVENTS, per_second=15))
        for _ in range(8):
            async with stack.suspended(service):
                await asyncio.sleep(1)
                await _cut(connection, service)
            for _ in range(30):
                await _cut(connection, service)
                await asyncio.sleep(0.03)
            await asyncio.sleep(2)
        await feeding
        await nothing_lost_or_doubled(stack, EVENTS)
        await stack.until_ready()
        assert stack.ready["pids"][service] == before


async def _cut(connection: asyncpg.Connection, service: str) -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1", f"tenure-{service}%"
    )
