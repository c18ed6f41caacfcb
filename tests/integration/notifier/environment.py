"""What surrounds a notifier under test: the topics that it reads and writes, and the mail server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.runtime.settings import Settings
from tenure.local.mail import MailServer
from tests.kit import http
from tests.kit.topics import read_topic
from tests.kit.waiting import eventually


class Environment:
    """Topics with the prefix of `settings`, and the mails that have arrived."""

    def __init__(self, settings: Settings, mail_url: str) -> None:
        self.settings = settings
        self.mail = http.client(base_url=mail_url)

    async def publish(self, *events: dict[str, Any] | bytes, topic: str = LIFECYCLE) -> None:
        """Put events, or any bytes, on a topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            for one in events:
                value = one if isinstance(one, bytes) else json.dumps(one).encode()
                key = None if isinstance(one, bytes) else one["subject"].encode()
                await producer.send_and_wait(f"{self.settings.topic_prefix}{topic}", value, key=key)
        finally:
            await producer.stop()

    async def mails(self, recipient: str = "") -> list[dict[str, Any]]:
        """The mails to this address, or all."""
        found = (await self.mail.get("/api/messages")).json()
        return [one for one in found if not recipient or recipient in one["rcpt_to"]]

    async def has_mails(self, count: int) -> bool:
        """Whether at least so many have arrived."""
        return len(await self.mails()) >= count

    async def raw_mail(self, mail_id: str) -> bytes:
        """The whole message as it was sent."""
        return (await self.mail.get(f"/api/messages/{mail_id}")).content

    async def set_mail_behaviour(self, **behaviour: Any) -> None:
        """What the mail server answers from now on, instead of accepting every mail at once."""
        (await self.mail.post("/api/behaviour", json=behaviour)).raise_for_status()

    async def records(self, topic: str, count: int, *, of: str = "") -> list[Any]:
        """The records of a topic, or those of one account, `read_committed`, once there are `count`."""

        async def enough() -> list[Any] | None:
            name = f"{self.settings.topic_prefix}{topic}"
            read = await read_topic(self.settings.kafka_bootstrap_servers, name)
            found = [one for one in read if not of or one.key == of.encode()]
            return found if len(found) >= count else None

        return await eventually(enough) or []

    async def outcomes(self, count: int, *, of: str = "") -> list[dict[str, Any]]:
        """The outcome events, or those of one account, once there are `count`."""
        return [json.loads(one.value) for one in await self.records(OUTCOMES, count, of=of)]


@asynccontextmanager
async def surroundings(settings: Settings, mail_server: MailServer) -> AsyncIterator[Environment]:
    """An environment until the block ends."""
    made = Environment(settings, mail_server.url)
    yield made
    await made.mail.aclose()
