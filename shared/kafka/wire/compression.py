"""Decompressing the records of a batch in steps, so that memory does not grow with what is inside.

Codecs are those of Kafka's record batches. A stream needs as much memory as its window, which in zstd the sender
chooses: so `whole` takes any window, since it reads little, and `chunks` none of more than 8 MiB.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from backports import zstd
from cramjam import DecompressionError, snappy
from lz4.frame import LZ4FrameDecompressor

from shared.kafka.wire.stream import Damaged

CHUNK_BYTES: Final = 128 * 1024
"""Decompressed at once."""
_MAX_SNAPPY_BYTES: Final = 64 * 1024 * 1024
"""A block of snappy is decompressed whole; none of those that Kafka's clients write is larger than 64 KiB unless the
batch is.
"""
_ANY_WINDOW: Final = 27
_SMALL_WINDOW: Final = 23
"""Logarithm of the bytes."""
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
NONE: Final = 0


class _Decompressor(Protocol):
    """As the standard library's: `eof` at the end of a frame, `unused_data` after it."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def whole(codec: int, data: bytes, at_most: int) -> bytes | None:
    """All decompressed bytes, or None where they are more than `at_most`. Raises `Damaged`."""
    parts: list[bytes] = []
    room = at_most
    for part in _chunks(codec, data, _ANY_WINDOW):
        parts.append(part)
        room -= len(part)
        if room < 0:
            return None
    return b"".join(parts)


def chunks(codec: int, data: bytes) -> Iterator[bytes]:
    """The decompressed bytes, at most `CHUNK_BYTES` at once (a block of snappy is one chunk). Raises `Damaged`."""
    return _chunks(codec, data, _SMALL_WINDOW)


def _chunks(codec: int, data: bytes, window: int) -> Iterator[bytes]:
    if codec not in _CODECS:
        raise Damaged(f"compression codec {codec} is not known")
    try:
        yield from _CODECS[codec](data, window)
    except (zlib.error, zstd.ZstdError, DecompressionError, RuntimeError, EOFError) as error:
        raise Damaged(f"the compressed data are damaged: {error}") from None


def _plain(data: bytes, _: int) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]


def _frames(make: Callable[[], Any], data: bytes) -> Iterator[bytes]:
    """One frame after the other, each with a new decompressor."""
    while data:
        decompressor: _Decompressor = make()
        yield decompressor.decompress(data, CHUNK_BYTES)
        while not decompressor.eof:
            if decompressor.needs_input:
                raise Damaged("the compressed data end too early")
            yield decompressor.decompress(b"", CHUNK_BYTES)
        data = decompressor.unused_data


class _Gzip:
    """zlib's object with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.needs_input = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._inner.decompress(data or self._inner.unconsumed_tail, max_length)
        self.needs_input = not found and not self._inner.unconsumed_tail
        return found


def _snappy(data: bytes, _: int) -> Iterator[bytes]:
    """One block, or, as Java's clients write it, blocks with their lengths before them."""
    if not data.startswith(_XERIAL):
        yield _snappy_block(data)
        return
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        at += 4
        yield _snappy_block(data[at : at + length])
        at += length


def _snappy_block(block: bytes) -> bytes:
    size = snappy.decompress_raw_len(block)
    if size > _MAX_SNAPPY_BYTES:
        raise Damaged(f"a block of {size} bytes, at most {_MAX_SNAPPY_BYTES} are decompressed")
    return bytes(snappy.decompress_raw(block))


def _gzip(data: bytes, _: int) -> Iterator[bytes]:
    return _frames(_Gzip, data)


def _lz4(data: bytes, _: int) -> Iterator[bytes]:
    return _frames(LZ4FrameDecompressor, data)


def _zstd(data: bytes, window: int) -> Iterator[bytes]:
    options = {int(zstd.DecompressionParameter.window_log_max): window}
    return _frames(lambda: zstd.ZstdDecompressor(options=options), data)


_CODECS: Final[Mapping[int, Callable[[bytes, int], Iterator[bytes]]]] = {
    NONE: _plain,
    1: _gzip,
    2: _snappy,
    3: _lz4,
    4: _zstd,
}
