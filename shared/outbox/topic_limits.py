"""What the relay has learned about the sizes that topics take, and what it publishes instead of an entry too large.

A broker refuses a whole batch that is larger than its topic's `max.message.bytes`. The relay then makes smaller batches
for that topic; an entry that is refused alone is published shortened, in its own place, so that it holds up none after
it. Where a topic does not even take a small entry, that topic alone waits, and `refusals` says what has to be changed.

Sizes here are those before compression: what the broker measures is at most as large.
"""

import time
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import orjson

from shared.contracts.topics import MAX_PUBLISHED_BYTES, TOPICS, Form
from shared.kafka.sizes import EVIDENCE, KEPT_BYTES, Content, Limits, cut
from shared.runtime.log_lines import SHORTENED
from shared.storage.stored_positions import Partition

_BATCH_BYTES: Final = 512 * 1024
_SMALL_BYTES: Final = 64 * 1024
"""A topic that refuses an entry of an event or a document of at most this size is set wrongly."""
_RETRY_SECONDS: Final = 15
_EVIDENCE: Final = frozenset(
    f"{EVIDENCE}{name}"
    for name in (
        *("reason", "detail", "topic", "partition", "offset"),
        *(f"{part}-{what}" for part in ("value", "key", "headers") for what in ("size", "sha256")),
    )
)
_CUTS: Final = (Limits(KEPT_BYTES, KEPT_BYTES, 4096, 4096), Limits(0, 0, 0, 0))
"""What is kept of a dead letter that was refused once, and twice; the headers that tell about it are kept in full."""


class RefusedBatch(Exception):
    """A topic did not take a batch of this size in bytes, with so many entries; `sequence`: of the first."""

    def __init__(self, place: Partition, *, sequence: int, entries: int, size: int) -> None:
        super().__init__(f"{place.topic}-{place.partition} did not take a batch of {size} bytes")
        self.place = place
        self.sequence = sequence
        self.entries = entries
        self.size = size


class TopicLimits:
    """Learned while this relay lives; nothing is stored."""

    def __init__(self) -> None:
        self._batch_bytes: dict[str, int] = {}
        self._cuts: dict[tuple[Partition, int], int] = {}
        self._refusing_until: dict[str, float] = {}
        self.refusals: dict[str, str] = {}
        """Topic -> sentence, for topics that do not even take small entries."""

    def batch_bytes(self, topic: str) -> int:
        """The largest batch for a topic, in bytes; one entry alone may be larger."""
        return self._batch_bytes.get(topic, _BATCH_BYTES)

    def takes_now(self, topic: str) -> bool:
        """Whether to send to a topic; one that refuses small entries is tried again every 15 seconds."""
        return self._refusing_until.get(topic, 0) <= time.monotonic()

    def mark_taken(self, topics: Iterable[str]) -> None:
        """These topics have taken what was sent."""
        for topic in topics:
            self.refusals.pop(topic, None)

    def fit(self, place: Partition, sequence: int, content: Content) -> Content:
        """The entry as it is to be published: whole, or shortened where it was refused before."""
        cuts = self._cuts.get((place, sequence), 0) if self._cuts else 0
        if not cuts and content.size > MAX_PUBLISHED_BYTES:
            cuts = 1  # a broker closes the connection on a request that is far too large, and tells no reason
        return shortened(place.topic, content, cuts) if cuts else content

    def learn(self, refused: RefusedBatch) -> None:
        """Make smaller batches, or, where the entry was alone, shorten it; else let the topic wait."""
        topic = refused.place.topic
        if refused.entries > 1:
            self._batch_bytes[topic] = refused.size // 2
            return
        key = (refused.place, refused.sequence)
        cuts = self._cuts.get(key, 0) + 1
        if cuts <= len(_CUTS) and (refused.size > _SMALL_BYTES or TOPICS[topic].form is Form.AS_RECEIVED):
            self._cuts[key] = cuts
            place = refused.place
            SHORTENED.say(topic=topic, partition=place.partition, sequence=refused.sequence, bytes=refused.size)
        else:
            self.refusals[topic] = f"{refused}; raise max.message.bytes of the topic"
            self._refusing_until[topic] = time.monotonic() + _RETRY_SECONDS


def shortened(topic: str, content: Content, cuts: int) -> Content:
    """What is published in place of an entry. Of a dead letter its evidence and its head; else size and digest only."""
    if TOPICS[topic].form is Form.AS_RECEIVED:
        evidence = {name: value for name, value in content.headers if name in _EVIDENCE}
        return cut(content, _CUTS[cuts - 1], evidence=tuple(evidence.items()))
    value = content.value or b""
    stand_in = {"withheld": "too_large", "size": len(value), "sha256": sha256(value).hexdigest()}
    return Content(content.key, orjson.dumps(stand_in), ())
