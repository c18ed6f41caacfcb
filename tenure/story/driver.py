"""Plays a story: publishes events, moves the test clock, and reads what came of it.

Everything that is waited for has a deadline; after it `NotInTime` is raised, which says what was awaited.
The demo and the story tests share this; nothing else uses it.
"""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import httpx
from aiokafka import AIOKafkaProducer

from shared.contracts.clock import CLOCK_ADVANCED
from shared.contracts.envelope import wire_time
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, TEST_CLOCK, TEST_CLOCK_SETTLED, TOPIC_OF_TYPE
from tenure.local.stack import Stack
from tenure.story.metrics import by_outcome
from tenure.story.observed import Mail, ObservedDeadLetter, ObservedEvent, dead_letter_of, event_of, mail_of
from tenure.story.reading import TopicReader
from tenure.tokens import token
from tenure.topics import Headers, OutgoingRecord, send_record

T = TypeVar("T")

SERVICES: Final = frozenset({"subscription", "notifier"})
DEADLINE_SECONDS: Final = 60.0
SOURCE: Final = "/stories"
_MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
_POLL_SECONDS: Final = 0.1


class NotInTime(Exception):
    """What was awaited did not come before its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the running system is, as its ready file says."""

    kafka: str
    subscription_url: str
    notifier_url: str
    mail_url: str
    auth_secret: str
    topic_prefix: str = ""


def addresses_of(stack: Stack, *, mail_url: str | None = None, topic_prefix: str = "") -> Addresses:
    """Where the parts of a stack are; `mail_url` for a mail server that is not the stack's own."""
    document = stack.document()
    return Addresses(
        kafka=document["kafka"],
        subscription_url=document["subscription_url"],
        notifier_url=document["notifier_url"],
        mail_url=mail_url or document["mail_url"],
        auth_secret=document["auth_secret"],
        topic_prefix=topic_prefix,
    )


@asynccontextmanager
async def driving(addresses: Addresses, *, now: datetime | None = None) -> AsyncIterator["Driver"]:
    """A driver with its connections, closed at the end. `now`: where the test clock stands; None: real time."""
    async with AsyncExitStack() as open_:
        producer = AIOKafkaProducer(
            bootstrap_servers=addresses.kafka, enable_idempotence=True, max_request_size=_MAX_REQUEST_BYTES
        )
        open_.push_async_callback(producer.stop)
        await producer.start()
        http = await open_.enter_async_context(httpx.AsyncClient(timeout=DEADLINE_SECONDS))
        topics = (LIFECYCLE, DEAD_LETTERS, *([TEST_CLOCK_SETTLED] if now else []))
        readers = {
            topic: await open_.enter_async_context(TopicReader(addresses.kafka, addresses.topic_prefix + topic))
            for topic in topics
        }
        yield Driver(addresses, producer, http, readers=readers, now=now)


class Driver:
    """Made by `driving`."""

    def __init__(
        self,
        addresses: Addresses,
        producer: AIOKafkaProducer,
        http: httpx.AsyncClient,
        *,
        readers: Mapping[str, TopicReader],
        now: datetime | None,
    ) -> None:
        self._addresses = addresses
        self._producer = producer
        self._http = http
        self._readers = readers
        self._now = now
        self.sent: list[str] = []
        """The topic of every record that was published, without those of the clock."""

    @property
    def now(self) -> datetime:
        """The test clock, else real time."""
        return self._now or datetime.now(UTC)

    async def publish(
        self, type_: str, data: Mapping[str, Any], *, time: datetime | None = None, **attributes: str
    ) -> str:
        """Send one event of the contract to its topic, at the clock's time unless `time` is given; returns its id."""
        topic, value = TOPIC_OF_TYPE[type_], envelope(type_, data, time=time or self.now, **attributes)
        await self.send(topic, json.dumps(value).encode(), key=str(value["subject"]).encode())
        return str(value["id"])

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: Headers = ()) -> None:
        """Send one record as it is, and wait until the broker has it."""
        await self._acknowledged(topic, value, key=key, headers=headers)
        self.sent.append(topic)

    async def advance(self, now: datetime) -> None:
        """Move the test clock; returns when both services have settled there."""
        advance_id = str(uuid.uuid4())
        value = envelope(CLOCK_ADVANCED, {"now": wire_time(now)}, time=now, id=advance_id, subject="clock")
        await self._acknowledged(TEST_CLOCK, json.dumps(value).encode())
        missing = set(SERVICES)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while missing:
                    settled = await self._newly_settled()
                    missing -= {each["service"] for each in settled if each["advance_id"] == advance_id}
        except TimeoutError:
            raise NotInTime(f"{' and '.join(sorted(missing))} did not settle at {wire_time(now)}") from None
        self._now = now

    async def settle(self) -> None:
        """A barrier: returns when all that was published has been dealt with."""
        await self.advance(self.now)

    async def new_events(self) -> list[ObservedEvent]:
        """The lifecycle events since the last call, in order of their times."""
        records = await in_time(self._readers[LIFECYCLE].rest(), "the lifecycle topic")
        return sorted(map(event_of, records), key=lambda event: (event.time, event.data["version"]))

    async def new_dead_letters(self) -> list[ObservedDeadLetter]:
        """The subscription service's dead letters since the last call."""
        records = await in_time(self._readers[DEAD_LETTERS].rest(), "the dead letters")
        return [dead_letter_of(record) for record in records]

    async def mails(self, to: str, *, after: int = 0) -> list[Mail]:
        """The mails to this address, the first one first, without the first `after`."""
        envelopes = await self._get(f"{self._addresses.mail_url}/api/messages")
        ids = [each["id"] for each in envelopes if to in each["rcpt_to"]][after:]
        urls = [f"{self._addresses.mail_url}/api/messages/{mail_id}" for mail_id in ids]
        return [mail_of((await self._http.get(url)).raise_for_status().content, to) for url in urls]

    async def inbox(self, account: str) -> list[dict[str, Any]]:
        """The account's internal messages, the first one first."""
        bearer = token(account, self._addresses.auth_secret)
        page = await self._get(f"{self._addresses.notifier_url}/api/inbox?limit=200", bearer)
        return list(reversed(page["messages"]))

    async def decisions(self, account: str) -> list[dict[str, Any]]:
        """What the notifier decided about the account, the first decision first; none while it does not know it."""
        url = f"{self._addresses.notifier_url}/api/notifications?account_id={account}"
        answer = await self._http.get(url, headers=_authorization(self._operator()))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return list(reversed(answer.raise_for_status().json()["notifications"]))

    async def account(self, account: str, page: str = "") -> Any:
        """The overview, or a page below it such as `/orders`."""
        return await self._get(f"{self._addresses.subscription_url}/api/accounts/{account}{page}", self._operator())

    async def account_status(self, account: str, page: str = "") -> int:
        """The HTTP status with which that page answers."""
        url = f"{self._addresses.subscription_url}/api/accounts/{account}{page}"
        return (await self._http.get(url, headers=_authorization(self._operator()))).status_code

    async def outcomes(self) -> Counter[str]:
        """Outcome, or `parked` -> how many of the events in came to it (G4)."""
        answer = await self._http.get(f"{self._addresses.subscription_url}/metrics")
        return by_outcome(answer.raise_for_status().text)

    async def _acknowledged(
        self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        name = self._addresses.topic_prefix + topic
        record = OutgoingRecord(topic=name, key=key, value=value, headers=headers)
        acknowledgement = await send_record(self._producer, record)
        await in_time(acknowledgement, f"the broker's acknowledgement of a record for {topic}")

    async def _newly_settled(self) -> list[Mapping[str, Any]]:
        return [json.loads(record.value or b"")["data"] for record in await self._readers[TEST_CLOCK_SETTLED].some()]

    async def _get(self, url: str, bearer: str | None = None) -> Any:
        answer = await self._http.get(url, headers=_authorization(bearer) if bearer else {})
        return answer.raise_for_status().json()

    def _operator(self) -> str:
        return token("operator", self._addresses.auth_secret, operator=True)


def envelope(type_: str, data: Mapping[str, Any], *, time: datetime, **attributes: str) -> dict[str, Any]:
    """A CloudEvent; `attributes` take the place of what would be filled in."""
    filled = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": SOURCE, "type": type_, "time": wire_time(time)}
    return {**filled, "subject": data.get("account_id"), **attributes, "data": data}


async def in_time(work: Awaitable[T], awaited: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Its result before the deadline. Raises `NotInTime`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise NotInTime(f"{awaited} did not come within {seconds:.0f} s") from None


async def eventually(look: Callable[[], Awaitable[bool]], awaited: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Look again and again until it is true; for real time, where no barrier says when. Raises `NotInTime`."""

    async def looking() -> None:
        while not await look():
            await asyncio.sleep(_POLL_SECONDS)

    await in_time(looking(), awaited, seconds)


def _authorization(bearer: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {bearer}"}
