"""A Kafka record as it was read, and the same record once a service has decoded it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from shared.contracts.unreadable import Unreadable

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]
Offsets: TypeAlias = Mapping[TopicPartition, int]


@dataclass
class FaultyRecord(ConsumerRecord[bytes | None, bytes | None]):  # type: ignore[misc]
    """A record that the client could not read as it is, or not whole, with what is kept of it; `fault`: why."""

    fault: Unreadable

    @classmethod
    def of(cls, record: Record, fault: Unreadable) -> "FaultyRecord":
        """The same record with its fault."""
        return cls(*(getattr(record, field.name) for field in fields(record)), fault)


class DecodedRecord(NamedTuple):
    """A record and what the service decoded from it, or the exception that says why it could not."""

    record: Record
    content: Any


class Batch(NamedTuple):
    """Records that were taken from the consumer together, in order, in one `Positions.assignment_epoch`.

    `reached`: per partition, the consumer's position after them, which is past transaction markers and aborted records
    that follow. A batch may have positions only. `read_at`: when the records came, in monotonic seconds.
    """

    assignment_epoch: int
    decoded: Sequence[DecodedRecord]
    reached: Offsets
    read_at: float


def sequence_of(record: Record) -> int | None:
    """The header `sequence`, which our services write; None where there is none, or it is no number."""
    for name, value in reversed(record.headers):
        if name == "sequence":
            return int(value) if value and value.isdigit() else None
    return None
