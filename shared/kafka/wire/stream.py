"""Reading bytes and varints from a stream of chunks, of which one at a time is in memory."""

from collections.abc import Iterator


class Damaged(Exception):
    """Bytes that are not what the format demands; the message says what was expected."""


class ByteStream:
    """`chunks`: the bytes in order; may raise `Damaged`. `position`: bytes that were read so far."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0
        self.position = 0

    def take(self, length: int) -> bytes:
        """The next `length` bytes. Raises `Damaged`."""
        end = self._at + length
        if length >= 0 and end <= len(self._chunk):
            taken = self._chunk[self._at : end]
            self._at = end
            self.position += length
            return taken
        if length < 0:
            raise Damaged(f"a length of {length}")
        parts = []
        while length:
            parts.append(self.some(length))
            length -= len(parts[-1])
        return b"".join(parts)

    def some(self, at_most: int) -> bytes:
        """At least one byte, up to `at_most`, as many as are in memory. Raises `Damaged` at the end."""
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                raise Damaged("the records end too early")
            self._chunk, self._at = chunk, 0
        taken = self._chunk[self._at : self._at + at_most]
        self._at += len(taken)
        self.position += len(taken)
        return taken

    def varint(self) -> int:
        """A zigzag varint of at most 64 bits. Raises `Damaged`."""
        raw = shift = 0
        while shift < 70:
            byte = self.take(1)[0]
            raw |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (raw >> 1) ^ -(raw & 1)
            shift += 7
        raise Damaged("a number of more than 64 bits")
