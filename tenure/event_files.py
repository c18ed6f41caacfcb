"""Events in files, as `tenure publish` takes them: JSON lines, one event over several lines, or an array of events.

A document is a CloudEvent, whose topic follows from its type and which is checked by its contract, or
`{"topic": ..., "event": ...}`, which is sent unchecked, exactly as written (and so may be wrong on purpose). What a
bare event leaves out is filled in and named.
"""

import json
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import Any, Final

from shared.contracts.clock import CLOCK_ADVANCED
from shared.contracts.envelope import check_subject, decode, wire_time
from shared.contracts.topics import TOPIC_OF_TYPE, TOPICS
from shared.contracts.unreadable import Unreadable

INPUT_TOPICS: Final = tuple(topic.name for topic in TOPICS.values() if topic.is_input)
"""The topics that take events from outside; every other one is written by a service alone."""
_SOURCE: Final = "tenure-publish"
_SPACE: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


class BadEvent(Exception):
    """An event that cannot be sent; the message says which (file, line, number in its array) and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be sent. `place`: file, line, and number where it is in an array; `topic`: without prefix; `event`: as
    it is sent; `filled`: the fields that were filled in.
    """

    place: str
    topic: str
    event: Any
    filled: Sequence[str] = ()

    @property
    def key(self) -> bytes | None:
        """The subject; None where it is no text."""
        subject = self.event.get("subject") if isinstance(self.event, dict) else None
        return subject.encode("utf-8", "replace") if isinstance(subject, str) else None

    @property
    def value(self) -> bytes:
        return json.dumps(self.event, separators=(",", ":")).encode()


def matching(names: Sequence[str]) -> Iterator[Path]:
    """The files of these names and patterns such as `examples/*.json`; those of a pattern in order of their names."""
    for name in names:
        if has_magic(name) and not Path(name).exists():
            found = sorted(glob(name, recursive=True))  # noqa: PTH207 - patterns may be absolute
            if not found:
                raise BadEvent(f"{name}: no file has such a name. Nothing was sent.")
            yield from map(Path, found)
        else:
            yield Path(name)


def read(file: Path, *, check: bool = True) -> Iterator[Message]:
    """The messages of a file (`-`: stdin), in its order. Raises `BadEvent`, and `OSError`.

    `check`: whether bare events must be valid by their contracts.
    """
    content = _stdin() if str(file) == "-" else file.read_bytes()
    for place, document in _documents(content, str(file)):
        if isinstance(document, list) and document:
            for number, event in enumerate(document, start=1):
                yield parse(event, f"{place}, event {number}", check=check)
        else:
            yield parse(document, place, check=check)


def parse(document: Any, place: str, *, check: bool = True) -> Message:
    """The message of one document. Raises `BadEvent`."""
    if not isinstance(document, dict):
        raise BadEvent(f"{place}: expected a JSON object, or an array of them. Nothing was sent.")
    if document.keys() >= {"topic", "event"}:
        return _wrapped(document, place)
    topic = TOPIC_OF_TYPE.get(str(document.get("type")))
    if topic is None:
        raise BadEvent(
            f"{place}: {_type_of(document)} has no topic; to send it all the same, write"
            ' {"topic": ..., "event": ...}. Nothing was sent.'
        )
    message = _bare(document, topic, place)
    trouble = why_invalid(message) if check else None
    if trouble is not None:
        raise BadEvent(f"{trouble}. Nothing was sent; --no-check sends it anyhow.")
    return message


def _stdin() -> bytes:
    return sys.stdin.buffer.read() if sys.stdin else b""  # None where it is closed


def _type_of(document: Mapping[str, Any]) -> str:
    return f"type {document['type']!r}" if "type" in document else "an event without a type"


def _documents(content: bytes, file: str) -> Iterator[tuple[str, Any]]:
    """Each JSON document with its place: one per line, or over several lines."""
    text = _text(content, file)
    position, line = 0, 1
    while (start := _after_space(text, position)) < len(text):
        line += text.count("\n", position, start)
        place = f"{file}, line {line}"
        try:
            document, position = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise BadEvent(f"{place} is no JSON ({error}). Nothing was sent.") from None
        yield place, document
        line += text.count("\n", start, position)


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadEvent(f"{file}, line {line} is no JSON ({error}). Nothing was sent.") from None


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _wrapped(document: Mapping[str, Any], place: str) -> Message:
    topic = document["topic"]
    if topic not in INPUT_TOPICS:
        raise BadEvent(f"{place}: topic {topic!r} takes no events from outside. Nothing was sent.")
    return Message(place=place, topic=topic, event=document["event"])


def _bare(event: Mapping[str, Any], topic: str, place: str) -> Message:
    whole = {**_defaults(event), **event}
    return Message(place=place, topic=topic, event=whole, filled=[name for name in whole if name not in event])


def _defaults(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event may leave out. `time` is real time, so with the test clock on it is better given."""
    data = event.get("data")
    account = data.get("account_id") if isinstance(data, dict) else None
    subject = {"subject": account} if account is not None else {}
    now = wire_time(datetime.now(UTC))
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": _SOURCE, "time": now, **subject}


def why_invalid(message: Message) -> str | None:
    """What its contract refuses, in a sentence; None for a valid event. What depends on the clock and on the catalog of
    the subscription service is not known here.
    """
    try:
        event = decode(message.value, (), TOPICS[message.topic].contracts)
        if event.type != CLOCK_ADVANCED:
            check_subject(event)
    except Unreadable as unreadable:
        return f"{message.place}: {unreadable.detail} ({unreadable.reason})"
    return None
