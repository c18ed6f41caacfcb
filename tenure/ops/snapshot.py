"""The page's own file: all numbers with the positions up to which they were folded, so that a restart takes seconds.

A line names the format; then come frames, each a length of four bytes and MessagePack: first everything but the
accounts, then the accounts in pieces; a frame of length 0 ends them, and the SHA-256 of all of it ends the file. It is
written beside the old one and takes its place at once. Nothing of a customer is in it but account ids and amounts.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from tenure.ops.accounts import Accounts, Totals
from tenure.ops.history import FailedAttempt, HourlyCounts, Latest
from tenure.ops.model import KEPT_TOPICS, Model
from tenure.ops.rates import Rates
from tenure.ops.renewals import Estimates

FILE_NAME: Final = "ops.snapshot"
FORMAT: Final = b"tenure-ops 1\n"
FRESH_MS: Final = 12 * 3_600_000
"""An older one is not used: a deleted document may be gone from its topic a day later, tombstone and all."""
_PIECE: Final = 5_000
_MAX_FRAME: Final = 256 * 1024 * 1024


class DamagedSnapshot(Exception):
    """The file is not a whole snapshot, or one of something else; the message says what is wrong."""


class Basis(msgspec.Struct, frozen=True):
    """What the numbers are of: another broker, prefix, policy or catalog makes them wrong.

    `catalog`: all that it says, and all that the policy says.
    """

    bootstrap: str
    prefix: str
    catalog: str


class _Kept(msgspec.Struct):
    """Everything but the accounts."""

    basis: Basis
    taken_ms: int
    positions: list[tuple[str, int, int]]
    totals: Totals
    rejections: HourlyCounts
    mails: HourlyCounts
    dead_letters: HourlyCounts
    latest: Latest
    failed_attempts: dict[str, FailedAttempt]
    forgotten: dict[str, int]
    unreadable: dict[str, int]
    rates: Rates
    test_clock: datetime | None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_kept: Final = msgspec.msgpack.Decoder(_Kept).decode
_decode_rows: Final = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


def frames(model: Model, basis: Basis, now_ms: int) -> Iterator[bytes]:
    """The model as it is at the first step; what is folded between later steps does not come in."""
    accounts, rows = list(model.accounts.rows), list(model.accounts.rows.values())
    yield _encode(_kept(model, basis, now_ms))
    for start in range(0, len(rows), _PIECE):
        piece = slice(start, start + _PIECE)
        yield _encode(list(zip(accounts[piece], rows[piece], strict=True)))


class Writing:
    """Writes frames into a file beside `file`; `finish` puts it in place. Raises `OSError`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, self._aside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        self._out = os.fdopen(descriptor, "wb")
        self._digest = hashlib.sha256()
        self._write(FORMAT)

    def add(self, frame: bytes) -> None:
        """Write one frame."""
        self._write(len(frame).to_bytes(4, "big"))
        self._write(frame)

    def finish(self) -> None:
        """Make it the snapshot."""
        self._write(bytes(4))
        with self._out as out:
            out.write(self._digest.digest())
            out.flush()
            os.fsync(out.fileno())
        Path(self._aside).replace(self._file)

    def give_up(self) -> None:
        """Remove what was written."""
        self._out.close()
        Path(self._aside).unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        self._digest.update(content)
        self._out.write(content)


def load(file: Path, basis: Basis, estimates: Estimates, now_ms: int) -> Model | None:
    """The model of the snapshot; None where there is none. Raises `DamagedSnapshot`, `OSError`."""
    if not file.exists():
        return None
    with file.open("rb") as content:
        try:
            return _loaded(_verified(content), basis, estimates, now_ms)
        except (msgspec.MsgspecError, StopIteration) as error:
            raise DamagedSnapshot(f"it cannot be read ({type(error).__name__})") from None


def _loaded(found: Iterator[bytes], basis: Basis, estimates: Estimates, now_ms: int) -> Model:
    kept = _decode_kept(next(found))
    if kept.basis != basis:
        raise DamagedSnapshot("it is of another broker, topic prefix or catalog")
    if now_ms - kept.taken_ms > FRESH_MS:
        raise DamagedSnapshot("it is older than 12 hours")
    rows: dict[str, bytes] = {}
    for frame in found:
        rows.update(_decode_rows(frame))
    return _model(kept, Accounts(estimates, rows, kept.totals))


def _verified(content: IO[bytes]) -> Iterator[bytes]:
    """The frames; at the end it is known whether all of them are what was written. Raises `DamagedSnapshot`."""
    digest = hashlib.sha256(FORMAT)
    if content.read(len(FORMAT)) != FORMAT:
        raise DamagedSnapshot("it is of another format")
    while size := int.from_bytes(_exactly(content, 4, digest), "big"):
        if size > _MAX_FRAME:
            raise DamagedSnapshot("a frame is too large")
        yield _exactly(content, size, digest)
    if content.read() != digest.digest():
        raise DamagedSnapshot("its digest is wrong")


def _exactly(content: IO[bytes], size: int, digest: Any) -> bytes:
    read = content.read(size)
    if len(read) != size:
        raise DamagedSnapshot("it is cut off")
    digest.update(read)
    return read


def _kept(model: Model, basis: Basis, now_ms: int) -> _Kept:
    return _Kept(
        basis=basis,
        taken_ms=now_ms,
        positions=[(*place, offset) for place, offset in model.positions.items() if place[0] in KEPT_TOPICS],
        totals=model.accounts.totals,
        unreadable=dict(model.unreadable),
        **{name: getattr(model, name) for name in _SAME},
    )


def _model(kept: _Kept, accounts: Accounts) -> Model:
    model = Model(accounts, **{name: getattr(kept, name) for name in _SAME})
    model.positions = {(topic, partition): offset for topic, partition, offset in kept.positions}
    model.unreadable.update(kept.unreadable)
    return model


_SAME: Final = (
    *("rejections", "mails", "dead_letters", "latest", "failed_attempts"),
    *("forgotten", "rates", "test_clock"),
)
"""Fields that are kept as they are."""
