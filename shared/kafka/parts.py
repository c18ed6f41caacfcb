"""A batch in parts, each of which is applied in a transaction of its own. Pure; used by `batch_applier` only.

What a large record says (a snapshot of thousands of servers) may take long to decide. It is a part by itself, so that
nobody waits for the sum of several; and what other partitions have beside it comes first.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from shared.kafka.record import DecodedRecord

LARGE_BYTES: Final = 100_000
"""A record with a value of more bytes is a part by itself."""


def in_parts(decoded: Sequence[DecodedRecord]) -> Iterator[Sequence[DecodedRecord]]:
    """All records; those of one partition stay in order. Without a large record they are one part; none: no part."""
    left = decoded
    while left:
        small, later = _before_large(left)
        if small:
            yield small
        if later:
            yield later[:1]
        left = later[1:]


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
