"""All batches of one partition in the broker's answer to a fetch, made safe within a budget.

What goes beyond the budget is left out: aiokafka fetches it again from where it stands. A batch that is so large inside
that it takes several answers is kept open between them, so that nothing is unpacked twice.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from shared.contracts.unreadable import Unreadable
from shared.kafka.wire.batch import LENGTH
from shared.kafka.wire.compression import CHUNK_BYTES
from shared.kafka.wire.unpacking import Piece, Standstill, unpack

BUDGET_BYTES: Final = 2 * 1024 * 1024
"""Unpacked bytes of one partition in one answer; the piece of a batch that passes it is kept whole."""
WORK_BYTES: Final = 64 * 1024 * 1024
"""Unpacked and not kept, in one answer: so long the other partitions of the answer wait at most."""
_MAGIC_BYTES: Final = 5
"""A batch of any format has at least so many bytes after its length."""


class OpenBatch(NamedTuple):
    """A batch of which pieces are left. `next_offset`: of the next piece."""

    base_offset: int
    next_offset: int
    pieces: Iterator[Piece | None]


class Cleaned(NamedTuple):
    """What aiokafka is given instead of a partition's batches.

    `faults`: offset -> why the record there is no event. `standstill`: why nothing after these batches can be read.
    """

    batches: bytes
    faults: dict[int, Unreadable]
    open_batch: OpenBatch | None = None
    standstill: str = ""


class _Frame(NamedTuple):
    """A batch in the answer. `limit`: where the next one begins, or the partition ends."""

    base_offset: int
    batch: bytes
    limit: int


def clean(batches: bytes, *, offset: int, end: int, open_batch: OpenBatch | None = None) -> Cleaned:
    """Make the batches safe that were fetched from `offset` on; the partition ends at `end` (its high watermark)."""
    cleaning = _Cleaning(offset, open_batch)
    frames = _frames(batches, end)
    if batches and not frames:
        return cleaning.result(standstill="the broker's answer holds no whole batch")
    for frame in frames:
        try:
            if not cleaning.take(frame):
                break
        except Standstill as standstill:
            return cleaning.result(standstill=str(standstill))
    return cleaning.result()


class _Cleaning:
    """The work on one partition's answer."""

    def __init__(self, offset: int, open_batch: OpenBatch | None) -> None:
        self._offset = offset
        self._open = open_batch
        self._kept: list[bytes] = []
        self._faults: dict[int, Unreadable] = {}
        self._room = BUDGET_BYTES
        self._work = WORK_BYTES

    def take(self, frame: _Frame) -> bool:
        """Take the pieces of the next batch; False where the budget is used up. Raises `Standstill`."""
        pieces = self._pieces_of(frame)
        for piece in pieces:
            if piece is None:
                self._work -= CHUNK_BYTES
            else:
                self._keep(piece)
            if self._room <= 0 or self._work <= 0:
                self._open = OpenBatch(frame.base_offset, self._offset, pieces)
                return False
        return True

    def result(self, standstill: str = "") -> Cleaned:
        """What was kept so far."""
        return Cleaned(b"".join(self._kept), self._faults, self._open, standstill)

    def _pieces_of(self, frame: _Frame) -> Iterator[Piece | None]:
        known, self._open = self._open, None
        if known and (known.base_offset, known.next_offset) == (frame.base_offset, self._offset):
            return known.pieces
        return unpack(frame.batch, offset=self._offset, limit=frame.limit)

    def _keep(self, piece: Piece) -> None:
        self._kept.append(piece.batch)
        self._faults.update(piece.faults)
        self._room -= len(piece.batch)
        self._offset = piece.next_offset


def _frames(batches: bytes, end: int) -> list[_Frame]:
    """The whole batches; the last one may be cut off by the broker, and is left out then."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + LENGTH.size <= len(batches):
        base_offset, length = LENGTH.unpack_from(batches, at)
        stop = at + LENGTH.size + length
        if length < _MAGIC_BYTES or stop > len(batches):
            break
        found.append((base_offset, batches[at:stop]))
        at = stop
    limits = [*(base_offset for base_offset, _ in found[1:]), end]
    return [_Frame(base_offset, batch, limit) for (base_offset, batch), limit in zip(found, limits, strict=False)]
