"""What the page asks the broker beside records: which topics there are, where they end, how far the services are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.topics import TOPICS, Service, read_by
from shared.kafka.topics import name_of, wanted
from shared.runtime.settings import Settings
from tenure.ops.model import KEPT_TOPICS, WATCHED_TOPICS, Place
from tenure.ops.status import PartitionLag

SERVICES: Final[tuple[Service, ...]] = ("subscription", "notifier")


def topics_read(settings: Settings) -> Sequence[str]:
    """The topics of the page, by the contract's names."""
    return [topic.name for topic in wanted([*KEPT_TOPICS, *WATCHED_TOPICS], settings)]


def partition_of(place: Place, settings: Settings) -> TopicPartition:
    """As the broker names it."""
    topic, number = place
    return TopicPartition(name_of(topic, settings), number)


def place_of(partition: TopicPartition, settings: Settings) -> Place:
    """As the contract names it."""
    return partition.topic.removeprefix(settings.topic_prefix), partition.partition


async def existing(client: AIOKafkaAdminClient, settings: Settings) -> set[Place]:
    """All partitions of those topics that there are."""
    names = {name_of(topic, settings): topic for topic in topics_read(settings)}
    there = set(await client.list_topics()) & names.keys()
    described = await client.describe_topics(sorted(there)) if there else []
    return {
        (names[one["topic"]], partition["partition"])
        for one in described
        if not one["error_code"]
        for partition in one["partitions"]
    }


async def committed(client: AIOKafkaAdminClient, settings: Settings) -> Mapping[tuple[Service, Place], int] | None:
    """Service and partition -> the next offset that it applies, as its group has it; None where none is told."""
    found: dict[tuple[Service, Place], int] = {}
    try:
        for service in SERVICES:
            offsets = await client.list_consumer_group_offsets(f"{settings.topic_prefix}tenure-{service}")
            found |= {(service, place_of(tp, settings)): told.offset for tp, told in offsets.items()}
    except KafkaError:  # the broker has no coordinator for its groups yet, or does not let us ask
        return None
    return found


def lags(
    ends: Mapping[Place, int], begins: Mapping[Place, int], applied: Mapping[tuple[Service, Place], int]
) -> Sequence[PartitionLag]:
    """Of each service and partition that it reads."""
    return [
        PartitionLag(
            service, *place, committed=applied.get((service, place)), begin=begins.get(place, 0), end=ends[place]
        )
        for service in SERVICES
        for place in _read_by(service, ends)
    ]


def _read_by(service: Service, places: Iterable[Place]) -> list[Place]:
    topics = [topic for topic in read_by(service) if not TOPICS[topic].test_clock_only]
    return sorted(place for place in places if place[0] in topics)
