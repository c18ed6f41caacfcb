"""A batch in parts, each of which is applied in a transaction of its own. Pure; used by `batch_applier` only.

What a large record says (a snapshot of thousands of servers) may take long to decide. It is a part by itself, so that
nobody waits for the sum of several; and what other partitions have beside it comes first. A part of many records is
applied in several transactions at the same time, each with partitions of its own.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from shared.kafka.record import DecodedRecord, Offsets

LARGE_BYTES: Final = 100_000
"""A record with a value of more bytes is a part by itself."""
MANY_RECORDS: Final = 200
"""From so many records on, what a second transaction costs is less than what waiting for the first one does."""
_AT_ONCE: Final = 2
"""Transactions at the same time: while PostgreSQL works for one, the other decides. A third has nothing to fill."""


class Part(NamedTuple):
    """Records that are applied in one transaction. `reached`: how far the consumer is with the last of them.

    `seconds`: the limit of each statement, None for the usual one.
    """

    decoded: Sequence[DecodedRecord]
    reached: Offsets
    seconds: float | None = None

    def halves(self, seconds: float | None) -> "tuple[Part, Part]":
        """The first and the second half; a record alone has the usual limit."""
        middle = len(self.decoded) // 2
        first, second = self.decoded[:middle], self.decoded[middle:]
        return (
            Part(first, {}, seconds if len(first) > 1 else None),
            Part(second, self.reached, seconds if len(second) > 1 else None),
        )

    def side_by_side(self) -> "list[Part]":
        """Parts that are applied at the same time; a part of few records stays as it is.

        Divided by the number of the partition: so the events of an account are together, whichever topics they come
        from, and no transaction waits for an account that another one has locked.
        """
        if len(self.decoded) < MANY_RECORDS:
            return [self]
        numbers = sorted({each.record.partition for each in self.decoded} | {tp.partition for tp in self.reached})
        return [self._share(set(numbers[first::_AT_ONCE])) for first in range(_AT_ONCE)]

    def _share(self, numbers: Collection[int]) -> "Part":
        decoded = [each for each in self.decoded if each.record.partition in numbers]
        reached = {tp: offset for tp, offset in self.reached.items() if tp.partition in numbers}
        return self._replace(decoded=decoded, reached=reached)


def in_parts(decoded: Sequence[DecodedRecord], reached: Offsets) -> Iterator[Part]:
    """All records, in at least one part; those of one partition stay in order. Without a large record it is one part.

    `reached`: how far the consumer is with all of them; the last part has it.
    """
    left = decoded
    while True:
        small, later = _before_large(left)
        left = later[1:]
        if small or not later:
            yield Part(small, {} if later else reached)
        if later:
            yield Part(later[:1], {} if left else reached)
        if not left:
            return


def _before_large(decoded: Sequence[DecodedRecord]) -> tuple[list[DecodedRecord], list[DecodedRecord]]:
    """The records before the first large one of their partition, and the others, of which the first is a large one."""
    small: list[DecodedRecord] = []
    later: list[DecodedRecord] = []
    held: set[tuple[str, int]] = set()
    for each in decoded:
        record = each.record
        if len(record.value or b"") > LARGE_BYTES:
            held.add((record.topic, record.partition))
        (later if (record.topic, record.partition) in held else small).append(each)
    return small, later
