"""Kafka's clients are made from the settings."""

from shared.kafka.client import admin_client, make_broker
from shared.runtime.settings import Settings


async def test_several_brokers_are_separated_by_commas(settings: Settings) -> None:
    several = settings.kafka_bootstrap_servers + ", " + settings.kafka_bootstrap_servers
    both = settings.model_copy(update={"kafka_bootstrap_servers": several})
    async with admin_client(both) as client:
        assert await client.list_topics() is not None
    make_consumer = await make_broker(both).connect()
    async with make_consumer(client_id="test") as consumer:
        assert await consumer.topics() is not None
