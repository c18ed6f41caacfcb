"""The topics on the broker: their names with `TENURE_TOPIC_PREFIX`, and their creation at start.

Which topics there are, and with which configuration: `shared/contracts/topics.py`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from shared.contracts.topics import TOPICS, Topic
from shared.kafka.client import admin_client
from shared.kafka.errors import as_our_error
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import Settings

_KNOWN_WITHIN_SECONDS = 10.0
_LOOK_SECONDS = 0.1


def name_of(topic: str, settings: Settings) -> str:
    """The name on the broker."""
    return f"{settings.topic_prefix}{topic}"


def logical(record: ConsumerRecord[Any, Any], *, settings: Settings) -> str:
    """The contract's name of the topic that a record came from."""
    return str(record.topic).removeprefix(settings.topic_prefix)


def wanted(names: Sequence[str], settings: Settings) -> tuple[Topic, ...]:
    """Those of `names` that exist with these settings."""
    return tuple(
        TOPICS[name]
        for name in dict.fromkeys(names)
        if settings.test_clock is not None or not TOPICS[name].test_clock_only
    )


async def ensure(names: Sequence[str], settings: Settings) -> Mapping[str, int]:
    """Create what is missing; logical name -> number of partitions.

    Raises `Alarm` or `Transient` naming the topic that cannot be had, and `Transient` while the broker is away.
    """
    return await ensure_topics(wanted(names, settings), settings)


async def ensure_topics(topics: Sequence[Topic], settings: Settings) -> Mapping[str, int]:
    """The same for topics that are not in the registry too. Raises as `ensure`."""
    logical = {name_of(topic.name, settings): topic.name for topic in topics}
    async with admin_client(settings) as client:
        await _create(client, topics, settings)
        counts = await _counts(client, list(logical))
    return {logical[name]: count for name, count in counts.items()}


def new_topic(topic: Topic, settings: Settings) -> NewTopic:
    """What Kafka is asked to create."""
    return NewTopic(
        name=name_of(topic.name, settings),
        num_partitions=topic.partitions or settings.topic_partitions,
        replication_factor=settings.topic_replication,
        topic_configs={setting: str(value) for setting, value in topic.configuration.items()},
    )


async def _counts(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Name -> number of partitions; a topic that was just made may take a moment to be known."""
    deadline = asyncio.get_running_loop().time() + _KNOWN_WITHIN_SECONDS
    while True:
        described = {str(one["topic"]): one for one in await client.describe_topics(list(names))}
        counts = {name: len(one["partitions"]) for name, one in described.items() if not one["error_code"]}
        unknown = [name for name in names if not counts.get(name)]
        if not unknown:
            return counts
        if asyncio.get_running_loop().time() > deadline:
            code = described.get(unknown[0], {}).get("error_code")
            raise _cannot_be_had(unknown[0], for_code(code) if code else UnknownTopicOrPartitionError)
        await asyncio.sleep(_LOOK_SECONDS)


async def _create(client: AIOKafkaAdminClient, topics: Sequence[Topic], settings: Settings) -> None:
    existing = set(await client.list_topics())
    missing = [new_topic(topic, settings) for topic in topics if name_of(topic.name, settings) not in existing]
    if missing:
        response = await client.create_topics(missing)
        for topic, code, *rest in response.topic_errors:
            error = for_code(code)
            if error not in (NoError, TopicAlreadyExistsError):
                raise _cannot_be_had(topic, error, *rest)


def _cannot_be_had(topic: str, error: type[Exception], detail: str | None = None) -> Alarm | Transient:
    cause = f" {detail}" if detail else ""
    return as_our_error(error(), f"Topic {topic} cannot be had: {error.__name__}{cause}")
