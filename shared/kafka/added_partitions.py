"""Partitions that were added to an input topic: named in `/ready` until a copy reads them. So are those that are gone,
as with a topic that was deleted: nobody has them, and nothing else would tell.

What exists is what the broker says: the consumer asks it every few seconds, `InputTopics` with each look. A partition
is read once a copy has stored a position for it, so all copies agree on which are not. The group assigns new ones as
soon as its leader has seen them. Where that does not happen for a while, whatever the reason (such as a leader that
does not know it, see `membership`), whoever sees an unread partition joins again, which tells the leader.
"""

import time
from typing import Final

from aiokafka import TopicPartition

from shared.kafka.reader import Reader
from shared.runtime.errors import Transient
from shared.runtime.log_lines import REJOINS

_REJOIN_SECONDS: Final = 8.0
_GONE_SECONDS: Final = 8.0
"""A broker that has just started may not know its partitions for a moment."""


class AddedPartitions:
    """Of the topics that `reader` reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: set[TopicPartition] = set()
        self._unread_since: dict[TopicPartition, float] = {}
        self._gone_since: dict[TopicPartition, float] = {}

    @property
    def reasons(self) -> list[str]:
        """What was found at the last look: a sentence for each partition that no copy reads."""
        long_ago = time.monotonic() - _GONE_SECONDS
        gone = sorted(tp for tp, since in self._gone_since.items() if since < long_ago)
        return [
            *self._unread,
            *(f"{tp.topic}-{tp.partition} was read and is not on the broker any more" for tp in gone),
        ]

    @property
    def _unread(self) -> list[str]:
        return [f"{tp.topic}-{tp.partition} was added and is not read yet" for tp in sorted(self._unread_since)]

    async def look(self) -> None:
        """Find them, and have them assigned where that does not happen by itself."""
        if not self._reader.joined:
            return
        existing = self._reader.consumer.existing(self._reader.positions.topics)
        now = time.monotonic()
        if not existing <= self._read:
            try:
                self._read = await self._reader.positions.begun()
            except Transient:  # what is away is told by those who need it
                return
        self._gone_since = {tp: self._gone_since.get(tp, now) for tp in self._read - existing}
        self._unread_since = {tp: self._unread_since.get(tp, now) for tp in existing - self._read}
        if self._unread_since and min(self._unread_since.values()) < now - _REJOIN_SECONDS:
            REJOINS.say(reason="; ".join(self._unread))
            self._unread_since = dict.fromkeys(self._unread_since, now)
            self._reader.consumer.rejoin()
