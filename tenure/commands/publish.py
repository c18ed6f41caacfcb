"""`tenure publish`: events from JSON lines to their topics, acknowledged before it ends.

A line is a CloudEvent, whose topic follows from its type, or `{"topic": ..., "event": ...}`, which is sent as it
stands (and so may be wrong on purpose). What a bare event leaves out is filled in and said. Unless every line of
every file can be read, nothing is sent.
"""

import argparse
import asyncio
import json
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.envelope import wire_time
from shared.contracts.topics import TOPIC_OF_TYPE, TOPICS
from shared.kafka.client import admin_client, connection_arguments
from shared.runtime.errors import Transient
from shared.runtime.settings import BadSettings, Settings
from tenure.connection_options import NotFound, add_whereabouts, settings_for

OPEN_TOPICS: Final = tuple(topic.name for topic in TOPICS.values() if topic.is_input)
"""The topics that take events from outside; every other one has its one writing service."""

_SOURCE: Final = "tenure-publish"


class BadLine(Exception):
    """A line that cannot be sent; the message says which and why."""


class NotSent(Exception):
    """The broker did not take what was sent; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be sent; `topic` without prefix, `filled` names what was filled in."""

    place: str
    topic: str
    key: bytes | None
    value: bytes
    filled: Sequence[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure publish`."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="one JSON document a line; - reads stdin")
    add_whereabouts(parser)


def run(options: argparse.Namespace) -> int:
    """Read all, then send all; the exit code."""
    try:
        messages = [message for file in options.files for message in read(file)]
        settings = settings_for(options, "TENURE_KAFKA_BOOTSTRAP_SERVERS")
        asyncio.run(send(messages, settings))
    except (BadLine, NotSent, NotFound, BadSettings, Transient, OSError) as error:
        print(f"tenure publish: {error}", file=sys.stderr)
        return 1
    for message in messages:
        if message.filled:
            print(f"{message.place}: {', '.join(message.filled)} filled in")
    for topic, count in Counter(message.topic for message in messages).items():
        print(f"{topic}: {count} acknowledged")
    return 0


def read(file: Path) -> Iterator[Message]:
    """The messages of a file, in its order. Raises `BadLine`."""
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield parse(line, f"{file}, line {number}")


def parse(line: bytes, place: str) -> Message:
    """One line. Raises `BadLine`."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"{place} is no JSON ({error}). Nothing was sent.") from None
    if not isinstance(document, dict):
        raise BadLine(f"{place}: expected a JSON object. Nothing was sent.")
    if document.keys() >= {"topic", "event"}:
        return _wrapped(document, place)
    topic = TOPIC_OF_TYPE.get(str(document.get("type")))
    if topic is None:
        raise BadLine(
            f"{place}: type {document.get('type')!r} has no topic; to send it all the same, write"
            ' {"topic": ..., "event": ...}. Nothing was sent.'
        )
    return _bare(document, topic, place)


async def send(messages: Sequence[Message], settings: Settings) -> None:
    """Send all in their order and wait until the broker has them. Raises `NotSent` or `Transient`."""
    await _check_topics({settings.topic_prefix + message.topic for message in messages}, settings)
    producer = AIOKafkaProducer(**connection_arguments(settings), acks="all", enable_idempotence=True)
    try:
        await producer.start()
        waiting = [
            await producer.send(settings.topic_prefix + message.topic, message.value, key=message.key)
            for message in messages
        ]
        await asyncio.gather(*waiting)
    except KafkaError as error:
        raise NotSent(f"Kafka did not acknowledge everything: {error!r}") from error
    finally:
        await producer.stop()


def _wrapped(document: Mapping[str, Any], place: str) -> Message:
    topic, event = document["topic"], document["event"]
    if topic not in OPEN_TOPICS:
        raise BadLine(f"{place}: topic {topic!r} takes no events from outside. Nothing was sent.")
    subject = event.get("subject") if isinstance(event, dict) else None
    return Message(place=place, topic=topic, key=_key(subject), value=_json(event), filled=())


def _bare(event: Mapping[str, Any], topic: str, place: str) -> Message:
    whole = {**_defaults(event), **event}
    filled = [name for name in whole if name not in event]
    return Message(place=place, topic=topic, key=_key(whole.get("subject")), value=_json(whole), filled=filled)


def _defaults(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event may leave to us; `time` is real time, so with the test clock on it is better given."""
    data = event.get("data")
    account = data.get("account_id") if isinstance(data, dict) else None
    subject = {"subject": account} if account is not None else {}
    now = wire_time(datetime.now(UTC))
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": _SOURCE, "time": now, **subject}


def _key(subject: object) -> bytes | None:
    return subject.encode("utf-8", "replace") if isinstance(subject, str) else None


def _json(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


async def _check_topics(names: set[str], settings: Settings) -> None:
    """Say which topic is missing at once, where a producer would ask for it again and again."""
    async with admin_client(settings) as client:
        missing = names - set(await client.list_topics())
    if missing:
        raise NotSent(f"Kafka has no topic {', '.join(sorted(missing))}. Nothing was sent.")
