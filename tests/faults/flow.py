"""A steady flow of events into a running stack, and what must have come out of it in the end."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.topics import LIFECYCLE, PURCHASES, RENEWALS, SERVER_INVENTORY, STATE, TOPIC_OF_TYPE
from tenure.story.metrics import event_outcomes
from tenure.tokens import token
from tests.kit import events, http
from tests.kit.stack import RunningStack
from tests.kit.topics import consumer, read_topic

EVENTS_PER_ACCOUNT: Final = 5
LIFECYCLE_EVENTS_PER_ACCOUNT: Final = 2
SENT_TWICE: Final = 20
"""Every event with a number that this divides is sent twice."""
INPUTS: Final = (PURCHASES, RENEWALS, SERVER_INVENTORY)


def event(number: int) -> dict[str, Any]:
    """A purchase, its renewal and three servers for each account; the same number gives the same event."""
    account, kind = f"flow-{number // EVENTS_PER_ACCOUNT}", number % EVENTS_PER_ACCOUNT
    match kind:
        case 0:
            contact = {**events.CONTACT, "email": f"{account}@example.com"}
            made = events.purchase(account, order_id=f"order-{number}", contact=contact)
        case 1:
            made = events.renewal(account, order_id=f"order-{number}")
        case _:
            made = events.event("server.registered", account_id=account, server_id=f"server-{kind}", cores=4)
    return made | {"id": f"event-{number}"}


async def feed(stack: RunningStack, count: int, *, per_second: float) -> None:
    """Publish `count` events at this pace, every 20th twice.

    The producer is idempotent, and one that the broker's death has broken is replaced: what is not known to have
    arrived is sent again, which is a duplicate at worst.
    """
    number = 0
    while number < count:
        with suppress(KafkaError, OSError):
            async with asyncio.timeout(60), _producer(stack) as producer:
                while number < count:
                    made = event(number)
                    topic, key, value = TOPIC_OF_TYPE[made["type"]], made["subject"].encode(), json.dumps(made).encode()
                    for _ in range(2 if number % SENT_TWICE == 0 else 1):
                        await producer.send_and_wait(topic, value, key=key)
                    number += 1
                    await asyncio.sleep(1 / per_second)
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _producer(stack: RunningStack) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=stack.ready["kafka"], enable_idempotence=True, linger_ms=2)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


@dataclass
class LifecycleRecords:
    """The lifecycle topic as a `read_committed` reader saw it: sequences by partition, versions by account."""

    sequences: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def count(self) -> int:
        return sum(len(each) for each in self.versions.values())


async def read_lifecycle(stack: RunningStack, expected: int, *, seconds: float) -> LifecycleRecords:
    """Read from the beginning until `expected` events were read and nothing more comes for a second."""
    found = LifecycleRecords()
    async with asyncio.timeout(seconds), consumer(stack.ready["kafka"], LIFECYCLE) as reader:
        quiet = False
        while found.count < expected or not quiet:
            batches = await reader.getmany(timeout_ms=1000)
            quiet = not batches
            for record in (record for records in batches.values() for record in records):
                lifecycle_event = json.loads(record.value)
                found.sequences[record.partition].append(lifecycle_event["sequence"])
                found.versions[lifecycle_event["subject"]].append(lifecycle_event["data"]["version"])
    return found


async def mails(stack: RunningStack, expected: int, *, seconds: float) -> list[str]:
    """The Message-IDs of all mails, once as many different ones as expected have come."""
    found: list[str] = []
    async with asyncio.timeout(seconds), http.client(timeout=60) as client:
        while len(set(found)) < expected:
            await asyncio.sleep(0.5)
            answer = await client.get(f"{stack.ready['mail_url']}/api/messages")
            found = [message["headers"]["Message-ID"] for message in answer.json()]
    return found


async def each_event_counted_once(stack: RunningStack, count: int) -> None:
    """G1, G4: of the records that lie on the input topics, each event was applied once; the others are duplicates."""
    records: Counter[str] = Counter()
    distinct: Counter[str] = Counter()
    for topic in INPUTS:
        values = [record.value for record in await read_topic(stack.ready["kafka"], topic)]
        records[topic], distinct[topic] = len(values), len(set(values))
    assert distinct.total() == count
    async with http.client() as client:
        counted = event_outcomes((await client.get(f"{stack.ready['subscription_url']}/metrics")).text)
    expected = {(topic, "applied"): distinct[topic] for topic in INPUTS}
    expected |= {(topic, "duplicate"): records[topic] - distinct[topic] for topic in INPUTS}
    assert +counted == +Counter(expected)


async def nothing_lost_or_doubled(
    stack: RunningStack,
    count: int,
    *,
    seconds: float = 120,
    mails_seconds: float = 180,
) -> list[str]:
    """Each account's two lifecycle events are there once and in order, and each has its mail.

    Returns the Message-IDs of all mails; one is there twice where a mail was sent twice.
    """
    expected = await published_once(stack, count, seconds=seconds)
    ids = await mails(stack, expected, seconds=mails_seconds)
    assert len(set(ids)) == expected
    return ids


async def published_once(stack: RunningStack, count: int, *, seconds: float = 120) -> int:
    """Each account's two lifecycle events are there once and in order; how many there are in all."""
    expected = count // EVENTS_PER_ACCOUNT * LIFECYCLE_EVENTS_PER_ACCOUNT
    found = await read_lifecycle(stack, expected, seconds=seconds)
    assert found.count == expected
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.sequences.values())
    assert all(versions == [1, 2] for versions in found.versions.values())
    return expected


async def last_states_arrived(stack: RunningStack) -> None:
    """Of each account the last state document is on its topic, and none comes after one of a higher revision."""
    latest: dict[str, dict[str, Any]] = {}
    for record in await read_topic(stack.ready["kafka"], STATE):
        document = json.loads(record.value)
        assert document["revision"] >= latest.get(document["account_id"], document)["revision"]
        latest[document["account_id"]] = document
    bearer = {"Authorization": f"Bearer {token('ops', stack.ready['auth_secret'], operator=True)}"}
    url = f"{stack.ready['subscription_url']}/api/accounts"
    async with http.client(headers=bearer) as client:
        for account_id, document in latest.items():
            assert (await client.get(f"{url}/{account_id}")).json() == document


async def audit_is_clean(stack: RunningStack) -> None:
    """G1, G2: the whole log folded anew is what is stored."""
    code, output = await stack.command("audit")
    assert (code, output.strip().endswith(" 0 differences")) == (0, True), output
