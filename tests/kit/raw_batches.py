"""Record batches as bytes: what any producer, or a broken disk, may put on a partition."""

import gzip
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import cramjam
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c
from backports import zstd
from lz4 import frame

from shared.kafka.wire.batch import HEADER, BatchHeader, varint

CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
Headers = Sequence[tuple[bytes, bytes | None]]
_NOW: Final = int(time.time() * 1000)
"""Of all records, in milliseconds. One that is older than its topic keeps records may be deleted before it is read."""
_CHECKED_FROM: Final = 21
"""The checksum of a batch covers all that comes after it."""


def raw_record(delta: int, value: bytes | None, headers: Headers = (), key: bytes | None = None) -> bytes:
    """A record as it stands in a batch; names of headers are any bytes."""
    fields = b"\0" + varint(0) + varint(delta) + _sized(key) + _sized(value) + varint(len(headers))
    fields += b"".join(_sized(name) + _sized(content) for name, content in headers)
    return varint(len(fields)) + fields


def raw_batch(*records: bytes, base: int = 0, codec: str = "none", body: bytes | None = None, **changes: Any) -> bytes:
    """A batch with these records; `changes`: fields of its header. The checksum is right unless it is changed.

    `body`: what stands in it in place of the compressed records.
    """
    body = compressed(codec, b"".join(records)) if body is None else body
    header = BatchHeader(
        base_offset=base,
        length=HEADER.size - 12 + len(body),
        leader_epoch=0,
        magic=2,
        checksum=0,
        attributes=CODECS[codec],
        last_offset_delta=len(records) - 1,
        first_timestamp=_NOW,
        max_timestamp=_NOW,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        record_count=len(records),
    )._replace(**changes)
    packed = HEADER.pack(*header) + body
    checksum = changes.get("checksum", calc_crc32c(packed[_CHECKED_FROM:]))
    return HEADER.pack(*header._replace(checksum=checksum)) + body


def compressed(codec: str, records: bytes) -> bytes:
    """As the clients of this codec write it."""
    match codec:
        case "gzip":
            return gzip.compress(records)
        case "snappy":
            return bytes(cramjam.snappy.compress_raw(records))
        case "lz4":
            return bytes(frame.compress(records, block_linked=False))
        case "zstd":
            return zstd.compress(records)
    return records


def read_back(batches: bytes) -> Iterator[Any]:
    """The records that aiokafka reads from plain batches."""
    at = 0
    while at < len(batches):
        end = at + 12 + int.from_bytes(batches[at + 8 : at + 12], "big")
        yield from DefaultRecordBatch(batches[at:end])
        at = end


async def produce_raw(bootstrap: str, topic: str, *batches: bytes, partition: int = 0) -> None:
    """Put batches on a partition as they are; the broker checks them. Raises aiokafka's error where it refuses one."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        await client.fetch_all_metadata()
        for batch in batches:
            request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, batch)])])
            response = await client.send(client.cluster.brokers().pop().nodeId, request)
            ((_, ((_, code, *_),)),) = response.topics
            if code:
                raise for_code(code)
    finally:
        await client.close()


def _sized(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content
