"""Puts messages on their topics before a run, keyed by account, each topic in the order given."""

from collections.abc import Iterable

from aiokafka import AIOKafkaProducer

from benchmarks.environment import Place
from benchmarks.events import Message
from shared.kafka.topics import name_of

_AT_ONCE = 5000


async def prefill(place: Place, messages: Iterable[Message]) -> list[Message]:
    """Returns the messages once all are acknowledged."""
    settings = place.settings
    producer = AIOKafkaProducer(bootstrap_servers=place.kafka, enable_idempotence=True, linger_ms=5)
    await producer.start()
    sent: list[Message] = []
    try:
        for message in messages:
            key = message.account_id.encode()
            await producer.send(name_of(message.topic, settings), message.value, key=key)
            sent.append(message)
            if len(sent) % _AT_ONCE == 0:
                await producer.flush()
        await producer.flush()
    finally:
        await producer.stop()
    return sent
