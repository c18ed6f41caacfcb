"""When another process's leases may be taken over: after its lock was free for long enough. Pure.

A living process that loses its session has its lock again at once, when the database is there. So a lock that stays
free for `FREE_SECONDS` is that of a process that has ended, or is frozen and will find its leases uncertain
(`process_session`). Where this process lost its own session too, the others are given more time.
"""

from collections.abc import Collection
from typing import Final

FREE_SECONDS: Final = 1.5
AFTER_OUTAGE_SECONDS: Final = 10.0
_LONGEST_GAP_SECONDS: Final = 1.5
"""What happened between two looks that lie further apart is not known."""


class Takeover:
    """What was seen of the locks of other owners; instants are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._free_since: dict[int, float] = {}
        self._looked_at = float("-inf")
        self._session = 0
        self._not_before = float("-inf")

    def ended(self, free: Collection[int], *, session: int, now: float) -> list[int]:
        """Those owners of `free` locks that have ended; `session` is the number of this process's session, from 1."""
        if session != self._session:
            self._not_before = now + AFTER_OUTAGE_SECONDS if self._session else now
            self._session = session
        if now - self._looked_at > _LONGEST_GAP_SECONDS:
            self._free_since.clear()
        self._looked_at = now
        self._free_since = {owner: self._free_since.get(owner, now) for owner in free}
        if now < self._not_before:
            return []
        return [owner for owner, since in self._free_since.items() if now - since >= FREE_SECONDS]
