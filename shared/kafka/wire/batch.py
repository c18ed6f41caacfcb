"""The format of record batches and their records (magic 2, KIP-98): reading leniently, writing plainly.

What is too large, or no UTF-8, is read all the same: a `WireRecord` holds what is kept of it, and why it cannot be read
as an event. What does not keep to the format is `Damaged`.
"""

from collections.abc import Generator, Iterable, Mapping
from hashlib import sha256
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.sizes import (
    BYTES_PER_HEADER,
    KEPT_BYTES,
    MAX_HEADERS_BYTES,
    MAX_KEY_BYTES,
    Headers,
    headers_size,
    size_and_digest,
    too_large,
)
from shared.kafka.wire.stream import ByteStream, Damaged

HEADER: Final = Struct(">qiibIhiqqqhii")
LENGTH: Final = Struct(">qi")
"""How every batch begins: its first offset, and the number of bytes that follow."""
_CODEC_BITS: Final = 0x07
_CONTROL_BIT: Final = 0x20
T = TypeVar("T")
Pausing: TypeAlias = Generator[None, None, T]
"""Returns its result; yields after each step of a long work, so that the caller may go on with it later."""


class BatchHeader(NamedTuple):
    """The fixed part of a batch. `length`: bytes of the batch after this field; `attributes`: codec and flags."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    checksum: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def codec(self) -> int:
        """The compression of the records; 0 for none."""
        return self.attributes & _CODEC_BITS

    @property
    def is_control(self) -> bool:
        """Whether it holds a transaction marker instead of records."""
        return bool(self.attributes & _CONTROL_BIT)

    @property
    def next_offset(self) -> int:
        """The offset after the batch."""
        return self.base_offset + self.last_offset_delta + 1

    def as_records(self) -> "BatchHeader":
        """The header of a batch that holds records in any case."""
        return self._replace(attributes=self.attributes & ~_CONTROL_BIT)

    def offsets_after(self, offset_delta: int) -> str:
        """The offsets of the batch after one of them, in words."""
        first, last = self.base_offset + offset_delta + 1, self.next_offset - 1
        return f"offset {first}" if first == last else f"offsets {first} to {last}"


class WireRecord(NamedTuple):
    """A record as far as it is kept; offset and timestamp count from those of its batch. `fault`: why it is no event.

    Of what was cut off, `headers` tell full size and digest.
    """

    offset_delta: int
    timestamp_delta: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    fault: Unreadable | None = None


class _Field(NamedTuple):
    """Key or value. `digest`: of the whole, where only its head is kept, since it has more than `at_most` bytes."""

    name: str
    at_most: int
    head: bytes | None
    size: int
    digest: str = ""


def read_header(batch: bytes) -> BatchHeader:
    """The header of a batch of at least `HEADER.size` bytes."""
    return BatchHeader(*HEADER.unpack_from(batch))


def read_record(stream: ByteStream, length: int) -> Pausing[WireRecord]:
    """The next record, which has `length` bytes. Raises `Damaged`."""
    end = stream.position + length
    stream.take(1)  # attributes, which have no meaning yet
    timestamp_delta, offset_delta = stream.varint(), stream.varint()
    key = yield from _read_field(stream, "key", MAX_KEY_BYTES)
    value = yield from _read_field(stream, "value", MAX_VALUE_BYTES)
    headers, told, fault = yield from _read_headers(stream)
    if stream.position != end:
        raise Damaged("the length of a record is not that of its fields")
    for field in (key, value):
        if field.digest:
            told |= size_and_digest(field.name, field.size, field.digest)
            fault = too_large(field.name, field.size, field.at_most)
    return WireRecord(offset_delta, timestamp_delta, key.head, value.head, _with_evidence(headers, told), fault)


def _read_field(stream: ByteStream, name: str, at_most: int) -> Pausing[_Field]:
    size = stream.varint()
    if size < 0:
        return _Field(name, at_most, None, 0)
    if size <= at_most:
        return _Field(name, at_most, stream.take(size), size)
    head = stream.take(min(KEPT_BYTES, at_most))
    digest = sha256(head)
    yield from _digest(stream, size - len(head), digest)
    return _Field(name, at_most, head, size, digest.hexdigest())


def _digest(stream: ByteStream, length: int, digest: Any) -> Pausing[None]:
    while length > 0:
        part = stream.some(length)
        digest.update(part)
        length -= len(part)
        yield


def _read_headers(stream: ByteStream) -> Pausing[tuple[Headers, dict[str, bytes], Unreadable | None]]:
    """Those for which there is room; what tells of the others; and what is wrong with them."""
    count = stream.varint()
    if count < 0:
        raise Damaged(f"{count} headers")
    kept: list[tuple[str, bytes | None]] = []
    room, size, digest, fault = MAX_HEADERS_BYTES, 0, sha256(), None
    for _ in range(count):
        name_size, name = yield from _read_part(stream, digest)
        value_size, value = yield from _read_part(stream, digest)
        own = name_size + max(value_size, 0) + BYTES_PER_HEADER
        size += own
        if own <= room and name is not None:
            room -= own
            kept.append((name.decode("utf-8", "backslashreplace"), value))
            fault = fault or _check_name(name)
    if size <= MAX_HEADERS_BYTES:
        return tuple(kept), {}, fault
    told = size_and_digest("headers", size - count * BYTES_PER_HEADER, digest.hexdigest())
    return tuple(kept), told, too_large("headers", size, MAX_HEADERS_BYTES)


def _with_evidence(headers: Headers, told: Mapping[str, bytes]) -> Headers:
    """`told` comes last; the last of the record's own headers make room for it."""
    evidence = tuple(told.items())
    while headers and evidence and headers_size((*headers, *evidence)) > MAX_HEADERS_BYTES:
        headers = headers[:-1]
    return (*headers, *evidence)


def _read_part(stream: ByteStream, digest: Any) -> Pausing[tuple[int, bytes | None]]:
    """Size and content of a header's name or value; None instead of a content that is absent or too large."""
    size = stream.varint()
    if size > MAX_HEADERS_BYTES:
        yield from _digest(stream, size, digest)
        return size, None
    content = stream.take(size) if size >= 0 else None
    digest.update(content or b"")
    return size, content


def _check_name(name: bytes) -> Unreadable | None:
    try:
        name.decode()
    except UnicodeDecodeError:
        return Unreadable(Reason.INVALID_DATA, f"header {name[:100]!r}: expected a name in UTF-8")
    return None


def write_batch(header: BatchHeader, records: bytes, *, last_offset_delta: int, count: int) -> bytes:
    """A batch of these records, not compressed, and without a checksum that is right."""
    plain = header._replace(
        length=HEADER.size - LENGTH.size + len(records),
        attributes=header.attributes & ~_CODEC_BITS,
        last_offset_delta=last_offset_delta,
        record_count=count,
    )
    return HEADER.pack(*plain) + records


def write_record(record: WireRecord) -> bytes:
    """The record as it stands in a batch."""
    fields = bytearray(b"\0")
    for number in (record.timestamp_delta, record.offset_delta):
        fields += varint(number)
    for field in (record.key, record.value):
        fields += _sized(field)
    fields += varint(len(record.headers))
    for name, value in record.headers:
        fields += _sized(name.encode()) + _sized(value)
    return varint(len(fields)) + fields


def varint(number: int) -> bytes:
    """A zigzag varint."""
    rest = (number << 1) ^ (number >> 63)
    written = bytearray()
    while rest > 0x7F:
        written.append(0x80 | (rest & 0x7F))
        rest >>= 7
    written.append(rest)
    return bytes(written)


def _sized(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def joined(records: Iterable[WireRecord]) -> bytes:
    """These records as they stand in a batch."""
    return b"".join(map(write_record, records))
