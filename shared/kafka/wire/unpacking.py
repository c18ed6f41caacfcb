"""One record batch as the broker holds it, turned into plain batches of bounded size that aiokafka can read.

A batch that is sound and small inside passes as it is, or decompressed. Any other is taken apart record by record: what
cannot be read becomes a record that can, with a fault that makes it a dead letter; what is too large is cut.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.sizes import MAX_HEADERS_BYTES, MAX_KEY_BYTES
from shared.kafka.wire import compression
from shared.kafka.wire.batch import (
    HEADER,
    BatchHeader,
    Pausing,
    WireRecord,
    joined,
    read_header,
    read_record,
    varint,
    write_batch,
)
from shared.kafka.wire.stream import ByteStream, Damaged

PIECE_BYTES: Final = 1024 * 1024
"""Records of a batch that are unpacked at once; one record more may be among them."""
_MARKER_BYTES: Final = 4
"""The key of a transaction marker: version and kind."""
_LARGE_RECORD_BYTES: Final = MAX_VALUE_BYTES + MAX_KEY_BYTES + MAX_HEADERS_BYTES
"""A larger one breaks one of the three bounds."""
_MAGIC: Final = 2
_MAGIC_AT: Final = 16


class Standstill(Exception):
    """A batch that can neither be read nor be stepped over; the message says why."""


class Piece(NamedTuple):
    """A plain batch; `next_offset` comes after it. `faults`: offset -> why the record there is no event."""

    batch: bytes
    next_offset: int
    faults: Mapping[int, Unreadable] = {}


def unpack(batch: bytes, *, offset: int, limit: int) -> Iterator[Piece | None]:
    """The pieces of a batch, in order; None in between after each step of a long work.

    The batch goes beyond `offset` and ends at `limit` or before it. Raises `Standstill` where it says otherwise.
    """
    if batch[_MAGIC_AT] != _MAGIC:
        yield _legacy(batch)
        return
    if len(batch) < HEADER.size:
        raise Standstill("the batch has no whole header")
    header = read_header(batch)
    if header.last_offset_delta < 0 or not offset < header.next_offset <= limit:
        raise Standstill(f"the batch is damaged: it says that the next one begins at offset {header.next_offset}")
    if DefaultRecordBatch(batch).validate_crc():
        yield from _passed_or_split(header, batch)
    else:
        damaged = header._replace(attributes=header.codec, producer_id=-1)
        yield from _Splitting(damaged, batch, "the checksum of its batch is wrong").pieces()


def _legacy(batch: bytes) -> Piece:
    """Batches of formats before Kafka 0.11, which brokers of today only keep."""
    try:
        offsets = [record.offset for record in MemoryRecords(batch).next_batch()]
    except Exception as error:
        raise Standstill(f"a batch of an old format cannot be read: {error!r}") from error
    return Piece(batch, offsets[-1] + 1)


def _passed_or_split(header: BatchHeader, batch: bytes) -> Iterator[Piece | None]:
    whole = _decompressed(header, batch)
    if whole is not None and _is_readable(whole) and (not header.is_control or _is_marker(whole)):
        yield Piece(whole, header.next_offset)
    else:
        yield from _Splitting(header.as_records(), batch).pieces()


def _decompressed(header: BatchHeader, batch: bytes) -> bytes | None:
    """The batch without compression; None where that cannot be had, or has more than `PIECE_BYTES`."""
    if header.codec == compression.NONE:
        return batch if len(batch) <= PIECE_BYTES else None
    try:
        records = compression.whole(header.codec, batch[HEADER.size :], PIECE_BYTES)
    except Damaged:
        return None
    if records is None:
        return None
    return write_batch(header, records, last_offset_delta=header.last_offset_delta, count=header.record_count)


def _is_readable(batch: bytes) -> bool:
    """Whether aiokafka can read all records of a plain batch."""
    try:
        for _ in DefaultRecordBatch(batch):
            pass
    except Exception:  # noqa: BLE001  it meets bytes of any kind
        return False
    return True


def _is_marker(batch: bytes) -> bool:
    """Whether a control batch begins with a transaction marker."""
    return any(len(record.key or b"") >= _MARKER_BYTES for record in DefaultRecordBatch(batch))


class _Splitting:
    """Takes one batch apart. `fault`: what is wrong with the batch, and so with each of its records."""

    def __init__(self, header: BatchHeader, batch: bytes, fault: str = "") -> None:
        self._header = header
        self._batch = batch
        self._fault = fault
        self._stream = ByteStream(compression.chunks(header.codec, batch[HEADER.size :]))
        self._records: list[bytes | WireRecord] = []
        self._size = 0
        self._last_delta = -1

    def pieces(self) -> Iterator[Piece | None]:
        """As `unpack` gives them."""
        try:
            for _ in range(self._header.record_count):
                yield from self._take_record()
                if self._size >= PIECE_BYTES:
                    yield self._piece(self._last_delta)
        except Damaged as damage:
            self._add_rest(damage)
        yield self._piece(self._header.last_offset_delta)

    def _take_record(self) -> Pausing[None]:
        length = self._stream.varint()
        record: bytes | WireRecord
        if length <= _LARGE_RECORD_BYTES:
            record = self._stream.take(length)
            delta = _offset_delta(record)
        else:
            record = yield from read_record(self._stream, length)
            delta = record.offset_delta
        if not self._last_delta < delta <= self._header.last_offset_delta:
            raise Damaged(f"offset {self._header.base_offset + delta} is not one of the batch")
        self._last_delta = delta
        self._records.append(record)
        self._size += length if isinstance(record, bytes) else len(record.value or b"")

    def _add_rest(self, damage: Damaged) -> None:
        """One record that stands for those after the damage, with the batch as its value."""
        header = self._header
        if self._last_delta < header.last_offset_delta:
            detail = f"{header.offsets_after(self._last_delta)} cannot be decoded: {self._fault or damage}"
            fault = Unreadable(Reason.INTERNAL_ERROR, detail)
            self._records.append(WireRecord(self._last_delta + 1, 0, None, self._batch, fault=fault))

    def _piece(self, last_delta: int) -> Piece:
        """The records so far as a batch that ends at `last_delta`."""
        records, self._records, self._size = self._records, [], 0
        raw = [record for record in records if isinstance(record, bytes)]
        plain = self._write(b"".join(varint(len(record)) + record for record in raw), last_delta, len(raw))
        next_offset = self._header.base_offset + last_delta + 1
        if len(raw) == len(records) and not self._fault and _is_readable(plain):
            return Piece(plain, next_offset)
        read = [self._read(record) for record in records]
        faults = {self._header.base_offset + one.offset_delta: one.fault for one in read if one.fault}
        return Piece(self._write(joined(read), last_delta, len(read)), next_offset, faults)

    def _write(self, records: bytes, last_delta: int, count: int) -> bytes:
        return write_batch(self._header, records, last_offset_delta=last_delta, count=count)

    def _read(self, record: bytes | WireRecord) -> WireRecord:
        """The record with its fault, where it has one."""
        if isinstance(record, bytes):
            record = _read_leniently(record)
        if self._fault and record.fault is None:
            record = record._replace(fault=Unreadable(Reason.INTERNAL_ERROR, self._fault))
        return record


def _read_leniently(record: bytes) -> WireRecord:
    try:
        return _finished(read_record(ByteStream(iter([record])), len(record)))
    except Damaged as damage:
        fault = Unreadable(Reason.INTERNAL_ERROR, f"the record cannot be decoded: {damage}")
        return WireRecord(_offset_delta(record), 0, None, record, fault=fault)


def _offset_delta(record: bytes) -> int:
    stream = ByteStream(iter([record]))
    stream.take(1)
    stream.varint()
    return stream.varint()


def _finished(work: Pausing[WireRecord]) -> WireRecord:
    """The result of a work, without its pauses."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            record: WireRecord = end.value
            return record
