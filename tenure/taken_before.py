"""Which subscriptions an earlier run of an import has taken over: read from the state documents of their accounts."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote

from aiokafka import AIOKafkaConsumer

from shared.contracts.topics import STATE
from shared.kafka.client import standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.http_answers import NoAnswer, get, operator_headers
from tenure.import_plan import PlannedImport
from tenure.topics import read_on


class TakenBefore:
    """Reads the topic from its beginning, once, and whenever it is asked on to its end. `service`: URL of the
    subscription service, which is asked about the few that the topic does not tell of yet.
    """

    def __init__(self, consumer: AIOKafkaConsumer, settings: Settings, service: str) -> None:
        self._consumer = consumer
        self._settings = settings
        self._service = service.rstrip("/")
        self._subscriptions: dict[str, str] = {}
        self._reading = asyncio.Lock()

    async def of(self, imports: Sequence[PlannedImport]) -> set[PlannedImport]:
        """Those of which the account's latest subscription is the imported one. Raises `Transient` and `NoAnswer`."""
        async with self._reading:
            async for records in read_on(self._consumer):
                self._subscriptions.update(_latest(record.value for record in records))
        found = {each for each in imports if self._subscriptions.get(each.account_id) == each.subscription_id}
        rest = [each for each in imports if each not in found]
        return found | await asyncio.to_thread(self._by_asking, rest)

    def _by_asking(self, imports: Iterable[PlannedImport]) -> set[PlannedImport]:
        return {each for each in imports if self._subscription(each.account_id) == each.subscription_id}

    def _subscription(self, account: str) -> str | None:
        url = f"{self._service}/api/accounts/{quote(account, safe='')}"
        try:
            found = get(url, operator_headers(account, self._settings), service="the subscription service")
        except NoAnswer as trouble:
            if trouble.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        subscription: str | None = found["subscription_id"]
        return subscription


@asynccontextmanager
async def taken_before(settings: Settings, service: str) -> AsyncIterator[TakenBefore]:
    """For as long as the block runs. Raises `Transient` while Kafka is away."""
    async with standalone_consumer(settings, name_of(STATE, settings)) as consumer:
        await consumer.seek_to_beginning()
        yield TakenBefore(consumer, settings, service)


def _latest(values: Iterable[bytes | None]) -> Iterator[tuple[str, str]]:
    for value in values:
        document = json.loads(value) if value else {}
        if document.get("subscription_id"):
            yield document["account_id"], document["subscription_id"]
