"""The one who plays a story: publishes events, moves the test clock, and looks at what came of it.

Everything that is waited for has a deadline, and running out of it raises `NotSeen`, which says what was awaited.
The demo and the story tests share this; nothing else uses it.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any, Final, TypeVar

import httpx
from aiokafka import AIOKafkaProducer

from shared.contracts.clock import CLOCK_ADVANCED
from shared.contracts.envelope import wire_time
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, TEST_CLOCK, TEST_CLOCK_SETTLED, TOPIC_OF_TYPE
from tenure.commands.token import token
from tenure.story.reading import TopicReader

T = TypeVar("T")
Headers = Sequence[tuple[str, bytes]]

BOTH: Final = frozenset({"subscription", "notifier"})
LONGEST_SECONDS: Final = 60.0
SOURCE: Final = "/stories"
_LOOK_SECONDS: Final = 0.1


class NotSeen(Exception):
    """What was awaited did not come in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the running system is, as its ready file tells."""

    kafka: str
    subscription_url: str
    notifier_url: str
    mail_url: str
    auth_secret: str
    topic_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """One lifecycle event, by its short kind such as `renewed`."""

    kind: str
    account: str
    time: datetime
    data: Mapping[str, Any]
    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as the mail server took it; `text` is its plain part, `event_id` the lifecycle event behind it."""

    kind: str
    to: Sequence[str]
    subject: str
    event_id: str
    text: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One record that was not readable, with what is said about it."""

    reason: str
    detail: str
    topic: str
    key: bytes | None
    value: bytes | None


@asynccontextmanager
async def driver(places: Places, *, now: datetime | None = None) -> AsyncIterator["Driver"]:
    """A driver with its connections, closed at the end. `now`: where the test clock stands; None: real time."""
    async with AsyncExitStack() as open_:
        producer = AIOKafkaProducer(
            bootstrap_servers=places.kafka, enable_idempotence=True, max_request_size=4 * 1024 * 1024
        )
        open_.push_async_callback(producer.stop)
        await producer.start()
        http = await open_.enter_async_context(httpx.AsyncClient(timeout=LONGEST_SECONDS))
        wanted = (LIFECYCLE, DEAD_LETTERS, *([TEST_CLOCK_SETTLED] if now else []))
        readers = {
            name: await open_.enter_async_context(TopicReader(places.kafka, places.topic_prefix + name))
            for name in wanted
        }
        yield Driver(places, producer, http, readers=readers, now=now)


class Driver:
    """Made by `driver`. What the topics have said so far stays in `lifecycle` and `dead_letters`."""

    def __init__(
        self,
        places: Places,
        producer: AIOKafkaProducer,
        http: httpx.AsyncClient,
        *,
        readers: Mapping[str, TopicReader],
        now: datetime | None,
    ) -> None:
        self._places = places
        self._producer = producer
        self._http = http
        self._readers = readers
        self._now = now
        self.sent: list[str] = []
        """The topic of every record that was published, the clock's apart."""

    @property
    def now(self) -> datetime:
        """The test clock, else real time."""
        return self._now or datetime.now(UTC)

    async def publish(
        self, type_: str, data: Mapping[str, Any], *, time: datetime | None = None, **attributes: str
    ) -> str:
        """Send one event of the contract to its topic, at the clock's time unless `time` is given; its id."""
        topic, value = TOPIC_OF_TYPE[type_], envelope(type_, data, time=time or self.now, **attributes)
        await self.send(topic, json.dumps(value).encode(), key=str(value["subject"]).encode())
        return str(value["id"])

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: Headers = ()) -> None:
        """Send one record as it is, and wait until the broker has it."""
        work = self._producer.send_and_wait(self._places.topic_prefix + topic, value, key=key, headers=list(headers))
        await within(work, f"the broker's word that it has a record for {topic}")
        self.sent.append(topic)

    async def send_nothing(self, topic: str) -> None:
        """Send a record without key and value, which only a batch may carry."""
        batch = self._producer.create_batch()
        batch.append(key=None, value=None, timestamp=None)
        sent = await self._producer.send_batch(batch, self._places.topic_prefix + topic, partition=0)
        await within(sent, f"the broker's word that it has a record for {topic}")
        self.sent.append(topic)

    async def advance(self, now: datetime) -> None:
        """Move the test clock; returns when both services have settled there."""
        advance_id = str(uuid.uuid4())
        value = envelope(CLOCK_ADVANCED, {"now": wire_time(now)}, time=now, id=advance_id, subject="clock")
        sending = self._producer.send_and_wait(self._places.topic_prefix + TEST_CLOCK, json.dumps(value).encode())
        await within(sending, "the broker's word that it has the clock's advance")
        missing = set(BOTH)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                while missing:
                    missing -= {said["service"] for said in await self._settled() if said["advance_id"] == advance_id}
        except TimeoutError:
            raise NotSeen(f"{' and '.join(sorted(missing))} did not settle at {wire_time(now)}") from None
        self._now = now

    async def settle(self) -> None:
        """A barrier: returns when all that was published has been dealt with."""
        await self.advance(self.now)

    async def new_events(self) -> list[ObservedEvent]:
        """The lifecycle events since the last call, in the order of their instants."""
        records = await within(self._readers[LIFECYCLE].rest(), "the lifecycle topic")
        said = [_said(json.loads(record.value)) for record in records]
        return sorted(said, key=lambda one: (one.time, one.data["version"]))

    async def new_dead_letters(self) -> list[DeadLetter]:
        """The subscription service's dead letters since the last call."""
        records = await within(self._readers[DEAD_LETTERS].rest(), "the dead letters")
        return [_dead_letter(record) for record in records]

    async def mails(self, to: str, *, after: int = 0) -> list[Mail]:
        """The mails to this address, the first one first, without the first `after`."""
        envelopes = await self._get(f"{self._places.mail_url}/api/messages")
        mine = [one["id"] for one in envelopes if to in one["rcpt_to"]][after:]
        return [await self._mail(mail_id, to) for mail_id in mine]

    async def inbox(self, account: str) -> list[dict[str, Any]]:
        """Its internal messages, the first one first."""
        page = await self._get(f"{self._places.notifier_url}/api/inbox?limit=200", self._token(account))
        return list(reversed(page["messages"]))

    async def decisions(self, account: str) -> list[dict[str, Any]]:
        """What the notifier decided about this account, the first decision first; none before it has heard of it."""
        url = f"{self._places.notifier_url}/api/notifications?account_id={account}"
        answer = await self._http.get(url, headers=_bearer(self._operator()))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return list(reversed(answer.raise_for_status().json()["notifications"]))

    async def account(self, account: str, page: str = "") -> Any:
        """The overview, or a page below it such as `/orders`."""
        return await self._get(f"{self._places.subscription_url}/api/accounts/{account}{page}", self._operator())

    async def account_status(self, account: str, page: str = "") -> int:
        """The status with which that page answers."""
        url = f"{self._places.subscription_url}/api/accounts/{account}{page}"
        return (await self._http.get(url, headers=_bearer(self._operator()))).status_code

    async def accounted(self) -> dict[str, float]:
        """Where every event in has ended: outcome, or `parked` -> how many; the clock's apart (G4)."""
        text = (await self._http.get(f"{self._places.subscription_url}/metrics")).raise_for_status().text
        found: dict[str, float] = {}
        for line in text.splitlines():
            label, _, value = line.rpartition(" ")
            if label.startswith("tenure_events_total{") and f'topic="{TEST_CLOCK}"' not in label:
                outcome = label.split('outcome="')[1].split('"')[0]
                found[outcome] = found.get(outcome, 0) + float(value)
            if label.startswith("tenure_parked"):
                found["parked"] = found.get("parked", 0) + float(value)
        return found

    async def _settled(self) -> list[Mapping[str, Any]]:
        return [json.loads(record.value)["data"] for record in await self._readers[TEST_CLOCK_SETTLED].some()]

    async def _mail(self, mail_id: str, to: str) -> Mail:
        answer = await self._http.get(f"{self._places.mail_url}/api/messages/{mail_id}")
        message = message_from_bytes(answer.raise_for_status().content, policy=policy.default)
        body = message.get_body(preferencelist=("plain",))
        return Mail(
            kind=str(message["X-Tenure-Type"]),
            to=[to],
            subject=str(message["Subject"]),
            event_id=str(message["X-Tenure-Event"]),
            text=str(body.get_content()) if body else "",
            raw=answer.content,
        )

    async def _get(self, url: str, bearer: str | None = None) -> Any:
        answer = await self._http.get(url, headers=_bearer(bearer) if bearer else {})
        return answer.raise_for_status().json()

    def _token(self, account: str) -> str:
        return token(account, self._places.auth_secret)

    def _operator(self) -> str:
        return token("operator", self._places.auth_secret, operator=True)


def envelope(type_: str, data: Mapping[str, Any], *, time: datetime, **attributes: str) -> dict[str, Any]:
    """A CloudEvent; `attributes` take the place of what would be filled in."""
    filled = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": SOURCE, "type": type_, "time": wire_time(time)}
    return {**filled, "subject": data.get("account_id"), **attributes, "data": data}


async def within(work: Awaitable[T], awaited: str, seconds: float = LONGEST_SECONDS) -> T:
    """Its result in time. Raises `NotSeen`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise NotSeen(f"{awaited} did not come within {seconds:.0f} s") from None


async def until(look: Callable[[], Awaitable[bool]], awaited: str, seconds: float = LONGEST_SECONDS) -> None:
    """Look again and again until it is so; for real time, where no barrier says when. Raises `NotSeen`."""

    async def looking() -> None:
        while not await look():
            await asyncio.sleep(_LOOK_SECONDS)

    await within(looking(), awaited, seconds)


def _said(event: Mapping[str, Any]) -> ObservedEvent:
    kind = event["type"].removeprefix("tenure.subscription.").removesuffix(".v1")
    time = datetime.fromisoformat(event["time"])
    return ObservedEvent(kind=kind, account=event["subject"], time=time, data=event["data"], envelope=event)


def _dead_letter(record: Any) -> DeadLetter:
    told = {name: content.decode() for name, content in record.headers if name.startswith("dead-letter-")}
    return DeadLetter(
        reason=told["dead-letter-reason"],
        detail=told["dead-letter-detail"],
        topic=told["dead-letter-topic"],
        key=record.key,
        value=record.value,
    )


def _bearer(bearer: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {bearer}"}
