"""Which dead letters are handled: marks on a topic of their own, and the replay that makes them.

A mark is made in the same Kafka transaction as the record that replays its dead letter, so neither is ever there
without the other, wherever the command is killed. Starting a replay ends the open transaction of one that came before
it; only then are the marks read that decide what is left to send. So no dead letter is replayed twice by mistake.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.topics import OPERATORS_TOPIC
from shared.kafka.client import connection_arguments, standalone_consumer
from shared.kafka.errors import close_quietly
from shared.kafka.topics import ensure_topics, name_of
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from tenure.topics import (
    MAX_RECORD_BYTES,
    NotSent,
    OutgoingRecord,
    check_topics,
    delivered,
    read_to_end,
    send_record,
    topic_exists,
)

_PER_TRANSACTION: Final = 100
"""Few, since readers of the input topics wait for the end of a transaction."""
_TRANSACTION_MILLISECONDS: Final = 15_000
"""After which Kafka ends the transaction of a command that was killed."""


class DeadLetterId(NamedTuple):
    """What a mark is about. `added_at`: when it was put there; a topic that was made anew has the same names again."""

    name: str
    added_at: datetime


Marks: TypeAlias = Mapping[DeadLetterId, datetime]
"""Dead letter -> when it was replayed last, in real time (UTC)."""


class Replay(NamedTuple):
    """A dead letter and the record that replays it."""

    dead_letter: DeadLetterId
    record: OutgoingRecord


async def read_marks(settings: Settings) -> Marks:
    """All marks. Raises `Transient` while the broker is away."""
    topic = name_of(OPERATORS_TOPIC.name, settings)
    if not await topic_exists(topic, settings):
        return {}
    async with standalone_consumer(settings, topic) as consumer:
        records = await read_to_end(consumer)
    return {_marked(record.value or b""): datetime.fromtimestamp(record.timestamp / 1000, UTC) for record in records}


async def replay(
    replays: Sequence[Replay], settings: Settings, *, wanted: Callable[[DeadLetterId, Marks], bool]
) -> Sequence[DeadLetterId]:
    """Send and mark those that are still `wanted` by what is marked now; these, in their order.

    Raises `NotSent` and `Transient`; what was committed before stays sent and marked.
    """
    await check_topics({each.record.topic for each in replays}, settings)
    await _make_topic(settings)
    sent: list[DeadLetterId] = []
    async with _producer(settings) as producer:
        marks = await read_marks(settings)
        left = [each for each in replays if wanted(each.dead_letter, marks)]
        for begin in range(0, len(left), _PER_TRANSACTION):
            some = left[begin : begin + _PER_TRANSACTION]
            await _send_together(producer, some, settings)
            sent += [each.dead_letter for each in some]
    return sent


async def _send_together(producer: AIOKafkaProducer, replays: Sequence[Replay], settings: Settings) -> None:
    """In one transaction. Where Kafka does not answer, it ends the transaction in its own time."""
    await producer.begin_transaction()
    try:
        await delivered(_send(producer, replays, settings))
        await delivered(producer.commit_transaction())
    except BaseException:
        await close_quietly(producer.abort_transaction)
        raise


async def _send(producer: AIOKafkaProducer, replays: Sequence[Replay], settings: Settings) -> None:
    topic = name_of(OPERATORS_TOPIC.name, settings)
    futures = []
    for each in replays:
        futures.append(await send_record(producer, each.record))
        name, added_at = each.dead_letter
        mark = json.dumps({"dead_letter": name, "added_at": added_at.isoformat()}).encode()
        futures.append(await send_record(producer, OutgoingRecord(topic=topic, key=name.encode(), value=mark)))
    for future in futures:
        await future


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that has ended what an earlier replay left open, and any replay that still runs."""
    producer = AIOKafkaProducer(
        **connection_arguments(settings),
        transactional_id=f"{settings.topic_prefix}tenure-dead-letters-replay",
        transaction_timeout_ms=_TRANSACTION_MILLISECONDS,
        max_request_size=MAX_RECORD_BYTES,
    )
    try:
        await delivered(producer.start())
        await delivered(_empty_transaction(producer))  # waits for the broker's word, and costs nothing
        yield producer
    except KafkaError as error:
        raise NotSent(f"Kafka did not take everything ({error!r}); `list --all` shows what was replayed") from error
    finally:
        await close_quietly(producer.stop)


async def _empty_transaction(producer: AIOKafkaProducer) -> None:
    await producer.begin_transaction()
    await producer.commit_transaction()


async def _make_topic(settings: Settings) -> None:
    try:
        await ensure_topics([OPERATORS_TOPIC], settings)
    except Alarm as cannot:
        raise NotSent(f"{cannot} Nothing was replayed.") from None


def _marked(value: bytes) -> DeadLetterId:
    document = json.loads(value)
    return DeadLetterId(document["dead_letter"], datetime.fromisoformat(document["added_at"]))
