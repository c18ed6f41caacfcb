"""The topics of the contract, and their making at start.

Names here are logical; `TENURE_TOPIC_PREFIX` is put before them at the broker's edge only (`Topics.name`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.kafka.client import admin
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings

PURCHASES = "purchases"
RENEWALS = "renewals"
SERVER_INVENTORY = "server-inventory"
LIFECYCLE = "subscription-lifecycle"
STATE = "subscription-state"
DEAD_LETTERS = "dead-letters"
OUTCOMES = "notification-outcomes"
NOTIFICATION_DEAD_LETTERS = "notification-dead-letters"
TEST_CLOCK = "test-clock"
TEST_CLOCK_SETTLED = "test-clock-settled"

_DAY_MS = 86_400_000
_KNOWN_WITHIN_SECONDS = 10.0
_LOOK_SECONDS = 0.1
# As much as the relay sends at once: one record that is refused would hold up all behind it.
_ANY_SIZE = {"max.message.bytes": str(16 * 1024 * 1024)}
_DEAD_LETTER = {"retention.ms": str(30 * _DAY_MS), **_ANY_SIZE}


@dataclass(frozen=True, slots=True)
class Topic:
    """`partitions` None: as many as the settings say."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    partitions: int | None = None
    test_clock_only: bool = False


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(PURCHASES),
        Topic(RENEWALS),
        Topic(SERVER_INVENTORY),
        Topic(LIFECYCLE, {"retention.ms": str(30 * _DAY_MS)}),
        Topic(STATE, {"cleanup.policy": "compact", **_ANY_SIZE}),
        Topic(DEAD_LETTERS, _DEAD_LETTER),
        Topic(OUTCOMES),
        Topic(NOTIFICATION_DEAD_LETTERS, _DEAD_LETTER),
        Topic(TEST_CLOCK, partitions=1, test_clock_only=True),
        # One for each service, as its name is placed: so that each tail is one service's own word.
        Topic(TEST_CLOCK_SETTLED, partitions=2, test_clock_only=True),
    )
}


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

    Raises `Alarm` naming the topic that cannot be had, `Transient` while the broker is away.
    """
    topics = wanted(names, settings)
    logical = {name_of(topic.name, settings): topic.name for topic in topics}
    async with admin(settings) as client:
        await _create(client, topics, settings)
        counts = await _counts(client, list(logical))
    for missing in sorted(logical.keys() - counts.keys()):
        raise Alarm(f"Topic {missing} cannot be had: the broker does not know it.")
    return {logical[name]: count for name, count in counts.items()}


async def _counts(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Name -> number of partitions; a topic that was just made may take a moment to be known."""
    deadline = asyncio.get_running_loop().time() + _KNOWN_WITHIN_SECONDS
    while True:
        described = await client.describe_topics(list(names))
        known = [one for one in described if one["partitions"] and not one["error_code"]]
        counts = {str(one["topic"]): len(one["partitions"]) for one in known}
        if len(counts) == len(names) or asyncio.get_running_loop().time() > deadline:
            return counts
        await asyncio.sleep(_LOOK_SECONDS)


async def _create(client: AIOKafkaAdminClient, topics: Sequence[Topic], settings: Settings) -> None:
    existing = set(await client.list_topics())
    missing = [
        NewTopic(
            name=name_of(topic.name, settings),
            num_partitions=topic.partitions or settings.topic_partitions,
            replication_factor=settings.topic_replication,
            topic_configs=dict(topic.config),
        )
        for topic in topics
        if name_of(topic.name, settings) not in existing
    ]
    if missing:
        response = await client.create_topics(missing)
        for topic, code, *rest in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise Alarm(f"Topic {topic} cannot be had: {error.__name__} {rest[0] if rest else ''}.".strip())
