"""`tenure dead-letters list | show | replay`: what the services could not read, and its way back.

A letter is named by where it lies: `TOPIC:PARTITION:OFFSET`. Replay sends key, value and headers as they were
received to the topic they came from; a dead letter claims no id, so it is read as if for the first time (R39).
What came from a topic that a service writes cannot go back there.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import Reason
from shared.contracts.topics import DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS
from shared.kafka.client import admin_client, connection_arguments, standalone_consumer
from shared.kafka.topics import name_of
from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings
from tenure.commands.publish import OPEN_TOPICS
from tenure.connection_options import NotFound, add_whereabouts, settings_for
from tenure.terminal import harmless

TOPICS: Final = (DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS)
_ADDED: Final = "dead-letter-"
_OURS: Final = 6
"""So many headers stand behind those that were received: the five that say why, and `sequence`."""
_POLL_MS: Final = 500


class NoSuchLetter(Exception):
    """A name under which nothing lies."""


class NotSendable(Exception):
    """A letter whose topic takes nothing from outside; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """One dead letter: where it lies, why, and what was received."""

    name: str
    added_at: datetime
    told: Mapping[str, str]
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def reason(self) -> str:
        """`dead-letter-reason`."""
        return self.told.get("reason", "")

    @property
    def origin(self) -> str:
        """The topic that it came from, as the broker names it."""
        return self.told.get("topic", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure dead-letters`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|replay")
    listing = actions.add_parser("list", help="one line a letter, the oldest first")
    showing = actions.add_parser("show", help="one letter with all that was received")
    showing.add_argument("letters", nargs=1, metavar="TOPIC:PARTITION:OFFSET")
    replaying = actions.add_parser("replay", help="send letters to the topic that they came from")
    replaying.add_argument("letters", nargs="*", metavar="TOPIC:PARTITION:OFFSET", help="none: all that fit --reason")
    for action in (listing, replaying):
        action.add_argument("--reason", choices=[reason.value for reason in Reason], help="only those")
    for action in (listing, showing, replaying):
        add_whereabouts(action)


def run(options: argparse.Namespace) -> int:
    """Do it; the exit code."""
    try:
        settings = settings_for(options, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
        asyncio.run(_act(options, settings))
    except (NotFound, NoSuchLetter, NotSendable, BadSettings, Transient, KafkaError) as error:
        print(f"tenure dead-letters: {error}", file=sys.stderr)
        return 1
    return 0


async def read_all(settings: Settings) -> Sequence[StoredDeadLetter]:
    """Every letter on both topics, the oldest first. Raises `Transient` while the broker is away."""
    names = {name_of(topic, settings): topic for topic in TOPICS}
    partitions = await _partitions(names, settings)
    async with standalone_consumer(settings) as consumer:
        records = await _read_to_the_ends(consumer, partitions)
    letters = [_letter(record, names[record.topic]) for record in records]
    return sorted(letters, key=lambda letter: letter.added_at)


async def replay(letters: Sequence[StoredDeadLetter], settings: Settings) -> None:
    """Send them to where they came from, acknowledged.

    Raises `NotSendable` before anything is sent, or `KafkaError`.
    """
    _check_origins(letters, settings)
    producer = AIOKafkaProducer(
        **connection_arguments(settings), acks="all", enable_idempotence=True, max_request_size=20 * 1024 * 1024
    )
    try:
        await producer.start()
        waiting = [
            await producer.send(letter.origin, letter.value, key=letter.key, headers=list(letter.headers))
            for letter in letters
        ]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


def _check_origins(letters: Iterable[StoredDeadLetter], settings: Settings) -> None:
    """A topic that a service writes has that one writer; its tail is how the service knows how far it published."""
    open_to_us = {name_of(topic, settings) for topic in OPEN_TOPICS}
    for letter in letters:
        if letter.origin not in open_to_us:
            raise NotSendable(
                f"{letter.name} came from {letter.origin}, which one service alone may write. Nothing was replayed."
            )


async def _partitions(names: Iterable[str], settings: Settings) -> Sequence[TopicPartition]:
    """All partitions of those of the topics that exist."""
    async with admin_client(settings) as client:
        described = await client.describe_topics(list(names))
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]


async def _read_to_the_ends(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> Sequence[ConsumerRecord[Any, Any]]:
    if not partitions:
        return []
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    records: list[ConsumerRecord[Any, Any]] = []
    while [one for one in partitions if await consumer.position(one) < ends[one]]:
        for found in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=1000)).values():
            records += found
    return records


def _letter(record: ConsumerRecord[Any, Any], topic: str) -> StoredDeadLetter:
    told = {name.removeprefix(_ADDED): value for name, value in record.headers[-_OURS:]}
    return StoredDeadLetter(
        name=f"{topic}:{record.partition}:{record.offset}",
        added_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        told={name: value.decode(errors="replace") for name, value in told.items()},
        key=record.key,
        value=record.value,
        headers=record.headers[:-_OURS],
    )


async def _act(options: argparse.Namespace, settings: Settings) -> None:
    letters = await read_all(settings)
    match options.action:
        case "list":
            _list(_with_reason(letters, options.reason))
        case "show":
            _show(*_named(letters, options.letters))
        case _:
            chosen = _with_reason(_chosen(letters, options), options.reason)
            await replay(chosen, settings)
            _tell_replayed(chosen)


def _chosen(letters: Sequence[StoredDeadLetter], options: argparse.Namespace) -> Sequence[StoredDeadLetter]:
    if not options.letters and not options.reason:
        raise NoSuchLetter("say which letters to replay: their names, or --reason")
    return _named(letters, options.letters) if options.letters else letters


def _list(letters: Sequence[StoredDeadLetter]) -> None:
    for letter in letters:
        came_from = f"{letter.origin}:{letter.told.get('partition')}:{letter.told.get('offset')}"
        when = letter.added_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        print(f"{letter.name}  {when}  {letter.reason}  from {came_from}  {harmless(letter.told.get('detail', ''))}")
    print(f"{len(letters)} dead letters", file=sys.stderr)


def _show(letter: StoredDeadLetter) -> None:
    print(f"name: {letter.name}\nadded: {letter.added_at.isoformat()}")
    for name, value in letter.told.items():
        print(f"{name}: {harmless(value)}")
    print(f"key: {_text(letter.key)}")
    for header, content in letter.headers:
        print(f"header {harmless(header)}: {_text(content)}")
    print(f"\n{_text(letter.value)}")


def _tell_replayed(letters: Sequence[StoredDeadLetter]) -> None:
    for letter in letters:
        print(f"{letter.name} ({letter.reason}) sent to {letter.origin} again")
    print(f"{len(letters)} dead letters replayed")


def _with_reason(letters: Iterable[StoredDeadLetter], reason: str | None) -> Sequence[StoredDeadLetter]:
    return [letter for letter in letters if reason in (None, letter.reason)]


def _named(letters: Iterable[StoredDeadLetter], names: Sequence[str]) -> Sequence[StoredDeadLetter]:
    lying = {letter.name: letter for letter in letters}
    missing = [name for name in names if name not in lying]
    if missing:
        raise NoSuchLetter(f"there is no dead letter {', '.join(missing)}")
    return [lying[name] for name in names]


def _text(value: bytes | None) -> str:
    return "(none)" if value is None else harmless(value.decode(errors="backslashreplace"))
