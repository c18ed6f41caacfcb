"""Events in files of JSON lines, as `tenure publish` takes them.

A line is a CloudEvent, whose topic follows from its type, or `{"topic": ..., "event": ...}`, which is sent as it
stands (and so may be wrong on purpose). What a bare event leaves out is filled in and named.
"""

import json
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from shared.contracts.envelope import wire_time
from shared.contracts.topics import TOPIC_OF_TYPE, TOPICS

INPUT_TOPICS: Final = tuple(topic.name for topic in TOPICS.values() if topic.is_input)
"""The topics that take events from outside; every other one is written by a service alone."""
_SOURCE: Final = "tenure-publish"


class BadLine(Exception):
    """A line that cannot be sent; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be sent. `place`: file and line; `topic`: without prefix; `filled`: the fields that were filled in."""

    place: str
    topic: str
    key: bytes | None
    value: bytes
    filled: Sequence[str]


def read(file: Path) -> Iterator[Message]:
    """The messages of a file (`-`: stdin), in its order. Raises `BadLine`, and `OSError`."""
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield parse(line, f"{file}, line {number}")


def parse(line: bytes, place: str) -> Message:
    """The message of one line. Raises `BadLine`."""
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


def _wrapped(document: Mapping[str, Any], place: str) -> Message:
    topic, event = document["topic"], document["event"]
    if topic not in INPUT_TOPICS:
        raise BadLine(f"{place}: topic {topic!r} takes no events from outside. Nothing was sent.")
    subject = event.get("subject") if isinstance(event, dict) else None
    return Message(place=place, topic=topic, key=_key(subject), value=_json(event), filled=())


def _bare(event: Mapping[str, Any], topic: str, place: str) -> Message:
    whole = {**_defaults(event), **event}
    filled = [name for name in whole if name not in event]
    return Message(place=place, topic=topic, key=_key(whole.get("subject")), value=_json(whole), filled=filled)


def _defaults(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event may leave out. `time` is real time, so with the test clock on it is better given."""
    data = event.get("data")
    account = data.get("account_id") if isinstance(data, dict) else None
    subject = {"subject": account} if account is not None else {}
    now = wire_time(datetime.now(UTC))
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": _SOURCE, "time": now, **subject}


def _key(subject: object) -> bytes | None:
    return subject.encode("utf-8", "replace") if isinstance(subject, str) else None


def _json(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
