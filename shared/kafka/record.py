"""A record of Kafka as it was read, and the same once a service has looked into it."""

from typing import Any, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord

Record: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


class DecodedRecord(NamedTuple):
    """A record with what the service found in it, or the exception that says why it could not."""

    record: Record
    content: Any
