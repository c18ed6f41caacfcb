"""One dead letter, read from its topic when somebody looks into it: nothing of its content is kept by the page."""

import asyncio
import json
from dataclasses import dataclass
from typing import Final

from shared.kafka.client import admin_client, standalone_consumer
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from tenure.dead_letters import TOPICS, StoredDeadLetter, stored_dead_letter
from tenure.ops.broker import partition_of
from tenure.topics import read_some

SHOWN_BYTES: Final = 65_536
"""Of a value; `tenure dead-letters show` has all of it."""
_WITHIN_SECONDS: Final = 5.0
_FETCH_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadableDeadLetter:
    """A dead letter as a person reads it. `text`: its value, indented where it is JSON; `cut`: whether it goes on."""

    dead_letter: StoredDeadLetter
    text: str
    cut: bool


async def read_dead_letter(name: str, settings: Settings) -> ReadableDeadLetter | None:
    """The dead letter of this name (`TOPIC:PARTITION:OFFSET`); None where there is none. Raises `Transient`."""
    topic, _, rest = name.partition(":")
    partition, _, offset = rest.partition(":")
    if topic not in TOPICS or not (partition.isdecimal() and offset.isdecimal()):
        return None
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await _read((topic, int(partition)), int(offset), settings)
    except TimeoutError:
        raise Transient("Kafka does not answer") from None


async def _read(place: tuple[str, int], offset: int, settings: Settings) -> ReadableDeadLetter | None:
    tp = partition_of(place, settings)
    if not await _exists(tp.topic, tp.partition, settings):
        return None
    async with standalone_consumer(
        settings, max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_bytes=_FETCH_BYTES
    ) as consumer:
        consumer.assign([tp])
        begins, ends = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
        if not begins[tp] <= offset < ends[tp]:
            return None
        consumer.seek(tp, offset)
        while await consumer.position(tp) <= offset:
            for record in await read_some(consumer):
                return _readable(stored_dead_letter(record, place[0])) if record.offset == offset else None
    return None


async def _exists(topic: str, partition: int, settings: Settings) -> bool:
    async with admin_client(settings) as admin:
        if topic not in await admin.list_topics():
            return False
        [described] = await admin.describe_topics([topic])
        return partition in {each["partition"] for each in described["partitions"]}


def _readable(dead_letter: StoredDeadLetter) -> ReadableDeadLetter:
    text = text_of(dead_letter.value)
    return ReadableDeadLetter(dead_letter=dead_letter, text=text[:SHOWN_BYTES], cut=len(text) > SHOWN_BYTES)


def text_of(value: bytes | None) -> str:
    """JSON indented; other text as it is; bytes that are no text escaped."""
    try:
        return json.dumps(json.loads(value or b""), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return (value or b"").decode(errors="backslashreplace")
