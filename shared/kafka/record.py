"""A Kafka record as it was read, and the same record once a service has decoded it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


class DecodedRecord(NamedTuple):
    """A record and what the service decoded from it, or the exception that says why it could not."""

    record: Record
    content: Any


class Batch(NamedTuple):
    """Records that were taken from the consumer together, in order, in one `Positions.assignment_epoch`."""

    assignment_epoch: int
    decoded: Sequence[DecodedRecord]
