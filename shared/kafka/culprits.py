"""Records or events that failed one after another, each alone: one is its own fault, many in a row are not.

What stops every record (a trigger, a constraint, a fault of a new version) looks like a record's fault each time. It
must not turn a topic into dead letters, so after a few in a row the next one is waited for. Only different keys count:
many records of one account are one culprit, since they may all carry the same fault. Used where a dead letter is made
of what failed: by `batch_applier`, and by a service that decides its events one by one. Each has its own for as long as
it runs. What a transaction that was rolled back has added stands, since its records come again.
"""

from collections.abc import Hashable
from typing import Final

from shared.runtime.errors import Transient

MAX_IN_A_ROW: Final = 5
"""Records with different keys that may become dead letters one after another, with none applied in between."""


class Culprits:
    """The keys of the records that failed since the last one that was applied."""

    def __init__(self) -> None:
        self._keys: set[Hashable] = set()

    def forget(self) -> None:
        """A record was applied."""
        self._keys.clear()

    def check(self, key: Hashable, what: str, error: Exception) -> None:
        """Call before `what`, the record of this key that failed alone with `error`, becomes a dead letter.

        Raises `Transient` where too many have failed in a row.
        """
        if key not in self._keys and len(self._keys) >= MAX_IN_A_ROW:
            raise Transient(
                f"{MAX_IN_A_ROW} records in a row failed, and now {what}: {type(error).__name__}. This is not the"
                " records' fault; nothing is read until it is mended"
            ) from error

    def add(self, key: Hashable) -> None:
        """It became a dead letter."""
        self._keys.add(key)
