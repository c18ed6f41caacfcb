"""Each bound of the intake is exceeded while a neighbour buys: the neighbour is decided within about a second.

One stack serves all; each test sends from accounts of its own, and waits until what it sent has come to its end.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from statistics import median
from typing import Any, Final

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from backports import zstd

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.topics import PURCHASES, TOPIC_OF_TYPE
from shared.kafka.sizes import MAX_HEADERS_BYTES, MAX_KEY_BYTES
from tests.faults.flow import audit_is_clean
from tests.faults.neighbour import HARMED_PARTITION, buying
from tests.integration.web.test_beside_the_intake import load
from tests.kit.events import PARTIAL, account, event, purchase
from tests.kit.raw_batches import produce_raw, raw_batch, raw_record
from tests.kit.stack import RunningStack, running_stack
from tests.kit.waiting import eventually
from tests.unit.domain.scenario import RULES

Harm = Callable[[RunningStack], Awaitable[None]]

MEGABYTE: Final = 1024 * 1024
USUAL_SECONDS: Final = 1.0
"""Within which half of the neighbour's purchases are decided."""
LONGEST_SECONDS: Final = 5.0
"""Within which all are, on a machine that is busy otherwise."""
HARM_SECONDS: Final = 180.0
PARK_LIMIT: Final = RULES.policy.park_limit
LOADED_SECONDS: Final = 10.0

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
logger = logging.getLogger(__name__)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    async with running_stack(tmp_path_factory.mktemp("bounds")) as made:
        yield made


async def send(stack: RunningStack, *events: Mapping[str, Any]) -> None:
    """To the partition that the neighbour does not use, compressed and without waiting for one after another."""
    async with AIOKafkaProducer(
        bootstrap_servers=stack.ready["kafka"], compression_type="gzip", max_request_size=4 * MEGABYTE
    ) as producer:
        for each in events:
            topic, key = TOPIC_OF_TYPE[each["type"]], each["subject"].encode()
            await producer.send(topic, json.dumps(each).encode(), key=key, partition=HARMED_PARTITION)
        await producer.flush()


async def come_to(stack: RunningStack, outcome: str, count: int, harm: Callable[[], Awaitable[None]]) -> None:
    """Do harm, and wait until so many more events have come to this outcome."""
    before = (await stack.outcomes())[outcome]
    await harm()

    async def there() -> bool:
        return (await stack.outcomes())[outcome] >= before + count

    await eventually(there, HARM_SECONDS)


def poison(count: int, *batches: bytes) -> Harm:
    """These batches, which become so many dead letters."""

    async def harm(stack: RunningStack) -> None:
        sent = lambda: produce_raw(stack.ready["kafka"], PURCHASES, *batches)  # noqa: E731
        await come_to(stack, "dead_letter", count, sent)

    return harm


def wide_window() -> bytes:
    """A batch in zstd with 17 MB inside, whose window is larger than 8 MiB."""
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    stream = zstd.ZstdCompressor(options=options)
    body = stream.compress(raw_record(0, b"v" * (17 * MEGABYTE))) + stream.flush()
    return raw_batch(raw_record(0, b""), codec="zstd", body=body)


async def too_many_wait(stack: RunningStack) -> None:
    """One binding more than may wait for a purchase; then the purchase, which lets them all go."""
    who = account()
    bindings = [event("server.bound", account_id=who, server_id=f"s-{each}") for each in range(PARK_LIMIT + 1)]
    await come_to(stack, "rejected", 1, lambda: send(stack, *bindings))
    large = PARTIAL | {"protected_servers": 2 * PARK_LIMIT, "cores": 8 * PARK_LIMIT}
    await come_to(stack, "applied", PARK_LIMIT + 1, lambda: send(stack, purchase(who, specification=large)))


async def too_much_waits(stack: RunningStack) -> None:
    """Orders of 900 kB for an account that is not known."""
    who, padding = account(), "x" * 900_000
    orders = [event("renewal.declined", account_id=who) | {"padding": padding} for _ in range(15)]
    await come_to(stack, "rejected", 1, lambda: send(stack, *orders))


def hammered(kind: str) -> Harm:
    """Load on the service's HTTP for a while."""

    async def harm(stack: RunningStack) -> None:
        port = int(stack.ready["subscription_url"].rpartition(":")[2])
        with load(port, kind):
            await asyncio.sleep(LOADED_SECONDS)

    return harm


HARMS: Final[Mapping[str, Harm]] = {
    "values that are too large": poison(
        300, raw_batch(*(raw_record(each, b"[" * (MAX_VALUE_BYTES + 1)) for each in range(300)), codec="zstd")
    ),
    "keys that are too large": poison(
        20, *(raw_batch(raw_record(0, b"{}", key=b"k" * (MAX_KEY_BYTES + 1)), codec="lz4") for _ in range(20))
    ),
    "headers that are too large": poison(
        20,
        *(raw_batch(raw_record(0, b"{}", [(b"h", b"\1" * MAX_HEADERS_BYTES)]), codec="snappy") for _ in range(20)),
    ),
    "more in a batch than an answer may hold": poison(
        60, raw_batch(*(raw_record(each, b"[" * 900_000) for each in range(60)), codec="gzip")
    ),
    "more to unpack than one turn may": poison(
        2,
        raw_batch(raw_record(0, b"v" * (300 * MEGABYTE)), codec="zstd"),
        raw_batch(raw_record(0, b"{}", [(b"h", b"\1" * (200 * MEGABYTE))]), codec="zstd"),
    ),
    "a window that is too wide": poison(20, *(wide_window() for _ in range(20))),
    "a count of waiting events": too_many_wait,
    "bytes of waiting events": too_much_waits,
    "half requests": hammered("half"),
    "requests without an end": hammered("/metrics"),
}


@pytest.mark.rule("G4", "G5")
@pytest.mark.parametrize("name", HARMS)
async def test_a_neighbour_is_decided_within_about_a_second_while_a_bound_is_exceeded(
    stack: RunningStack, name: str
) -> None:
    async with buying(stack) as waited:
        await HARMS[name](stack)
    logger.info(
        "%s: %d purchases, half within %.2f s, all within %.2f s", name, len(waited), median(waited), max(waited)
    )
    assert median(waited) < USUAL_SECONDS
    assert max(waited) < LONGEST_SECONDS


async def test_after_all_that_nothing_is_wrong(stack: RunningStack) -> None:
    await stack.until_ready()
    await audit_is_clean(stack)
