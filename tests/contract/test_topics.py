"""The topic registry agrees with what the services handle."""

from shared.contracts.topics import TOPICS, Service, Topic, read_by, written_by
from subscription_service.handlers import CONTRACTS
from tests.kit.cases import cases

BOTH: list[Service] = ["subscription", "notifier"]


def test_the_subscription_service_handles_what_the_registry_gives_it_to_read() -> None:
    assert read_by("subscription") == CONTRACTS


def test_every_topic_is_read_or_written_by_a_service() -> None:
    assert {name for service in BOTH for name in (*read_by(service), *written_by(service))} == set(TOPICS)


@cases("topic", TOPICS.values())
def test_a_topic_that_is_written_from_outside_is_written_by_no_service(topic: Topic) -> None:
    services = [service for service in BOTH if topic.name in written_by(service)]
    assert topic.is_input == (services == [])
    assert len(services) == 1 or topic.is_input or topic.partitions == len(services)
