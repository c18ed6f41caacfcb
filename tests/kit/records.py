"""Kafka records as a consumer would give them, made without Kafka."""

from collections.abc import Sequence
from typing import Any

from shared.kafka.record import Record

Headers = Sequence[tuple[str, bytes | None]]


def kafka_record(
    topic: str,
    value: bytes | None,
    *,
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = None,
    headers: Headers = (),
) -> Record:
    """A record with what tests care about; its timestamp is 0, its sizes are not filled in."""
    where: dict[str, Any] = {"topic": topic, "partition": partition, "offset": offset, "key": key, "value": value}
    rest: dict[str, Any] = {"timestamp": 0, "timestamp_type": 0, "checksum": None}
    sizes: dict[str, Any] = {"serialized_key_size": 0, "serialized_value_size": 0}
    return Record(**where, **rest, **sizes, headers=headers)
