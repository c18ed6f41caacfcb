"""Dead letters: what the services could not read, as it lies on their topics, and its way back.

A dead letter is named by where it lies: `TOPIC:PARTITION:OFFSET`. Replay sends key, value and headers as they were
received to the topic that they came from; a dead letter uses up no id, so it is read as if for the first time (R39).
What came from a topic that a service writes cannot be sent there again. What was replayed counts as handled
(`handled_dead_letters`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from aiokafka import TopicPartition

from shared.contracts.topics import DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS
from shared.kafka.client import admin_client, standalone_consumer
from shared.kafka.dead_letters import named_account, readable_attributes
from shared.kafka.record import Record
from shared.kafka.topics import name_of
from shared.runtime.settings import Settings
from tenure.event_files import INPUT_TOPICS
from tenure.handled_dead_letters import DeadLetterId, Replay, read_marks
from tenure.topics import Headers, OutgoingRecord, read_to_end

TOPICS: Final = (DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS)
_CUT: Final = ("value", "key", "headers")
"""What the service cuts off where it is too large; it then tells the full size and digest of each."""
_ADDED: Final = frozenset(
    (
        *("sequence", "dead-letter-reason", "dead-letter-detail"),
        *("dead-letter-topic", "dead-letter-partition", "dead-letter-offset"),
        *(f"dead-letter-{part}-{what}" for part in _CUT for what in ("size", "sha256")),
    )
)
"""Headers that the service adds after those that were received, each at most once."""


class NoSuchDeadLetter(Exception):
    """A name under which no dead letter lies, or none was given."""


class NotReplayable(Exception):
    """A dead letter that was cut off, or whose topic takes nothing from outside; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """One dead letter.

    `name`: where it lies. `added_at`: when it was put there, in real time. `why`: the service's headers without their
    prefix, such as `reason`. `key`, `value`, `headers`: as they were received. `handled_at`: when it was replayed last.
    """

    name: str
    added_at: datetime
    why: Mapping[str, str]
    key: bytes | None
    value: bytes | None
    headers: Headers
    handled_at: datetime | None = None

    @property
    def id(self) -> DeadLetterId:
        """What its mark names."""
        return DeadLetterId(self.name, self.added_at)

    @property
    def reason(self) -> str:
        """One of the contract's reasons, such as `not_json`."""
        return self.why.get("reason", "")

    @property
    def topic(self) -> str:
        """The topic that it came from, as the broker names it."""
        return self.why.get("topic", "")

    @property
    def event(self) -> Mapping[str, str | None]:
        """`account`, `event_id` and `source`, as far as they can be read; the account else by the key (None: not)."""
        fields = readable_attributes(self.value, self.headers)
        account = named_account(self.key, fields)
        found = {"account": account, "event_id": fields.get("id"), "source": fields.get("source")}
        return {name: None if value is None else str(value) for name, value in found.items()}

    @property
    def cut(self) -> Mapping[str, str]:
        """Of which parts (`value`, `key`, `headers`) only a beginning was kept, and how large they were, in bytes."""
        return {part: self.why[f"{part}-size"] for part in _CUT if f"{part}-size" in self.why}


async def read_all(settings: Settings, *, read: Callable[[int], None]) -> Sequence[StoredDeadLetter]:
    """Every dead letter of both services, the oldest first; `read` is called with how many there are so far.

    Raises `Transient` while the broker is away.
    """
    names = {name_of(topic, settings): topic for topic in TOPICS}
    partitions = await _partitions(names, settings)
    if not partitions:
        return []
    async with standalone_consumer(settings) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        records = await read_to_end(consumer, read=read)
    marks = await read_marks(settings)
    letters = (stored_dead_letter(record, names[record.topic]) for record in records)
    return sorted((replace(each, handled_at=marks.get(each.id)) for each in letters), key=lambda each: each.added_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters are meant; None for what does not matter.

    `since`: added at this instant or later (UTC). `topic`: that it came from, as the broker names it. `handled`:
    whether those that were replayed are meant too.
    """

    reason: str | None = None
    since: datetime | None = None
    topic: str | None = None
    account: str | None = None
    handled: bool = True

    def matches(self, letter: StoredDeadLetter) -> bool:
        return (
            self.reason in (None, letter.reason)
            and (self.since is None or letter.added_at >= self.since)
            and self.topic in (None, letter.topic)
            and (self.handled or letter.handled_at is None)
            and (self.account is None or letter.event["account"] == self.account)
        )


ANY: Final = DeadLetterFilter()
"""Every dead letter."""
NOT_HANDLED: Final = DeadLetterFilter(handled=False)
"""Those that were not replayed yet."""


def choose(
    letters: Iterable[StoredDeadLetter], *, names: Sequence[str] = (), only: DeadLetterFilter = ANY
) -> Sequence[StoredDeadLetter]:
    """Those with these names (none given: all), and of these only those that match. Raises `NoSuchDeadLetter`."""
    known = {letter.name: letter for letter in letters}
    missing = [name for name in names if name not in known]
    if missing:
        raise NoSuchDeadLetter(f"there is no dead letter {', '.join(missing)}")
    return [known[name] for name in names or known if only.matches(known[name])]


def outgoing(letters: Sequence[StoredDeadLetter], settings: Settings) -> Sequence[Replay]:
    """What replay them. Raises `NotReplayable`.

    An output topic has one writing service, and its last record tells that service how far it has published.
    """
    allowed = {name_of(topic, settings) for topic in INPUT_TOPICS}
    for letter in letters:
        if letter.cut:
            raise NotReplayable(f"{letter.name} was too large: only its beginning was kept. Nothing was replayed.")
        if letter.topic not in allowed:
            raise NotReplayable(
                f"{letter.name} came from {letter.topic}, which one service alone may write. Nothing was replayed."
            )
    return [
        Replay(each.id, OutgoingRecord(topic=each.topic, key=each.key, value=each.value, headers=each.headers))
        for each in letters
    ]


async def _partitions(names: Iterable[str], settings: Settings) -> Sequence[TopicPartition]:
    """All partitions of those of the topics that exist."""
    async with admin_client(settings) as client:
        described = await client.describe_topics(list(names))
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]


def stored_dead_letter(record: Record, topic: str) -> StoredDeadLetter:
    """What a record of this topic (the contract's name) says."""
    added = _added(record.headers)
    return StoredDeadLetter(
        name=f"{topic}:{record.partition}:{record.offset}",
        added_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        why={name.removeprefix("dead-letter-"): value.decode(errors="replace") for name, value in added.items()},
        key=record.key,
        value=record.value,
        headers=record.headers[: len(record.headers) - len(added)],
    )


def _added(headers: Headers) -> Mapping[str, bytes]:
    """The headers at the end that the service has added."""
    added: dict[str, bytes] = {}
    for name, value in reversed(headers):
        if name not in _ADDED or name in added:
            break
        added[name] = value or b""
    return dict(reversed(added.items()))
