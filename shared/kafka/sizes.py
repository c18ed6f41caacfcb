"""How large a record may be, and what is kept of one that is larger. Pure; for the reader, dead letters and the relay.

The bounds of the value are `envelope.MAX_VALUE_BYTES` and `KEPT_BYTES`. Whoever finds only a part of a value, key or
headers finds `dead-letter-<part>-size` and `dead-letter-<part>-sha256` beside it, which tell what the whole was.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias, TypeVar

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.record import Record

MAX_KEY_BYTES: Final = 64 * 1024
MAX_HEADERS_BYTES: Final = 64 * 1024
"""Names and values of all headers of a record, and 16 bytes for each header."""
KEPT_BYTES: Final = 64 * 1024
"""So much is kept of the beginning of a value that is too large."""
BYTES_PER_HEADER: Final = 16
EVIDENCE: Final = "dead-letter-"
"""How the names of the headers begin that tell why a record is a dead letter, and what was cut off."""

T = TypeVar("T")
Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]


class Content(NamedTuple):
    """What a record carries."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes, about as many as the record takes on the wire."""
        own = len(self.key or b"") + len(self.value or b"")
        return own + headers_size(self.headers) if self.headers else own


class Limits(NamedTuple):
    """Bytes that may be kept of a record. `value`: a larger one is cut to `value_head`."""

    value: int
    value_head: int
    key: int
    headers: int


AS_RECEIVED: Final = Limits(MAX_VALUE_BYTES, KEPT_BYTES, MAX_KEY_BYTES, MAX_HEADERS_BYTES)
"""What is kept of a record that is read: whatever keeps to these bounds stays untouched."""


def size_of(record: Record) -> int:
    """Bytes of key, value and headers."""
    return Content(record.key, record.value, tuple(record.headers)).size


def in_groups(items: Iterable[T], size: Callable[[T], int], *, bytes_at_once: int) -> Iterator[list[T]]:
    """The items in order, in groups that end once they have so many bytes together; one item may have more."""
    group: list[T] = []
    total = 0
    for item in items:
        group.append(item)
        total += size(item)
        if total >= bytes_at_once:
            yield group
            group, total = [], 0
    if group:
        yield group


def check_size(record: Record) -> None:
    """Key and headers must keep to their bounds; the value is looked at by `decode`. Raises `Unreadable`."""
    key, headers = len(record.key or b""), headers_size(record.headers) if record.headers else 0
    if key > MAX_KEY_BYTES:
        raise too_large("key", key, MAX_KEY_BYTES)
    if headers > MAX_HEADERS_BYTES:
        raise too_large("headers", headers, MAX_HEADERS_BYTES)


def too_large(part: str, size: int, at_most: int) -> Unreadable:
    """Why a record is not read of which `part` (`value`, `key`, `headers`) has `size` bytes."""
    return Unreadable(Reason.TOO_LARGE, f"{part}: {size} bytes, at most {at_most} are read")


def size_and_digest(part: str, size: int, digest: str) -> dict[str, bytes]:
    """The headers that tell what the whole of a part was of which less is kept; `digest`: SHA-256 in hexadecimal."""
    return {f"{EVIDENCE}{part}-size": b"%d" % size, f"{EVIDENCE}{part}-sha256": digest.encode()}


def headers_size(headers: Headers) -> int:
    """Names and values in bytes, and 16 bytes for each header."""
    return sum(_header_size(name, value) for name, value in headers)


def cut(content: Content, limits: Limits, *, evidence: Headers = ()) -> Content:
    """`content` within `limits`; headers that tell what was cut come last. A header that does not fit is left out.

    `evidence`: headers of a dead letter that are kept in any case, and whose names are not told anew.
    """
    value, key, headers = content.value, content.key, content.headers
    if value is not None and len(value) > limits.value:
        value = value[: limits.value_head]
    if key is not None:
        key = key[: limits.key]
    told = _told("value", content.value, value) | _told("key", content.key, key)
    if headers_size(headers) > limits.headers:
        told |= _size_and_digest("headers", b"".join(_bytes(*header) for header in headers))
        headers = (*_fitting(headers, limits.headers), *evidence)
    known = dict(evidence)
    return Content(key, value, (*headers, *((name, text) for name, text in told.items() if name not in known)))


def _told(part: str, whole: bytes | None, kept: bytes | None) -> dict[str, bytes]:
    return {} if whole is None or whole == kept else _size_and_digest(part, whole)


def _size_and_digest(part: str, whole: bytes) -> dict[str, bytes]:
    return size_and_digest(part, len(whole), sha256(whole).hexdigest())


def _fitting(headers: Headers, at_most: int) -> Iterator[tuple[str, bytes | None]]:
    """Headers in order, for as long as there is room; one that is too large does not keep out those after it."""
    room = at_most
    for name, value in headers:
        size = _header_size(name, value)
        if size <= room:
            room -= size
            yield name, value


def _header_size(name: str, value: bytes | None) -> int:
    length = len(name) if name.isascii() else len(_bytes(name, None))
    return length + len(value or b"") + BYTES_PER_HEADER


def _bytes(name: str, value: bytes | None) -> bytes:
    # A name that is not UTF-8 is read with surrogates in the place of its bytes.
    return name.encode("utf-8", "surrogateescape") + (value or b"")
