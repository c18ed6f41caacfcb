"""Reading the relay's replies (RFC 5321, 4.2) from the bytes of a connection. Pure.

A reply is one or more lines that begin with the same code, from 200 to 599; all but the last have a hyphen after it.
Whatever else comes is no reply: `OutOfStep`.
"""

import re
from dataclasses import dataclass
from typing import Final

REPLY_BYTES: Final = 16_384
"""A reply may have so many at most, all its lines together."""
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class OutOfStep(Exception):
    """What the relay sent is no reply, so the next ones cannot be trusted to belong to our commands."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The code, and the text as received: its lines without their code, one below the other."""

    code: int
    text: str


class ReplyReader:
    """`feed` it what arrives, `take` one reply after the other."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._lines: list[tuple[bytes, bytes]] = []
        self._taken = 0

    @property
    def empty(self) -> bool:
        """Whether nothing has arrived since the last reply that was taken."""
        return not self._unread and not self._lines

    def feed(self, data: bytes) -> None:
        """Keep what has arrived, up to what makes the reply too long."""
        self._unread += data[: REPLY_BYTES + 1 - len(self._unread)]

    def take(self) -> Reply | None:
        """The next reply, or None while it is not complete. Raises `OutOfStep`."""
        while (end := self._unread.find(b"\n")) >= 0:
            line = bytes(self._unread[:end]).removesuffix(b"\r")
            self._count(end + 1)
            del self._unread[: end + 1]
            if self._is_last(line):
                return self._reply()
        if self._taken + len(self._unread) > REPLY_BYTES:
            raise OutOfStep
        return None

    def _count(self, line_bytes: int) -> None:
        self._taken += line_bytes
        if self._taken > REPLY_BYTES:
            raise OutOfStep

    def _is_last(self, line: bytes) -> bool:
        """Keep the line; whether it is the last of its reply. Raises `OutOfStep`."""
        match = _LINE.fullmatch(line)
        if not match or (self._lines and self._lines[0][0] != match[1]):
            raise OutOfStep
        self._lines.append((match[1], match[3] or b""))
        return match[2] != b"-"

    def _reply(self) -> Reply:
        lines, self._lines, self._taken = self._lines, [], 0
        text = b"\n".join(line for _, line in lines)
        return Reply(int(lines[0][0]), text.decode("utf-8", "replace"))
