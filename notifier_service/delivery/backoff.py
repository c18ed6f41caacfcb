"""How long to wait before an email is tried again, and before the relay is connected to again. Pure.

A refusal for now (4xx) waits on the service clock; a relay that cannot be reached is tried again in real time.
Each `jitter` lies in [-1, 1] and spreads the wait by up to 20 %.
"""

from datetime import datetime, timedelta
from typing import Final

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(hours=24)
_SPREAD: Final = 0.2
_FIRST_RECONNECT_SECONDS: Final = 0.5
_LONGEST_RECONNECT_SECONDS: Final = 15.0
_MOST_DOUBLINGS: Final = 16
"""More would overflow, and the longest wait is reached long before."""


def retry_at(attempts: int, *, first_attempt_at: datetime, now: datetime, jitter: float) -> datetime | None:
    """When the next attempt is due after the refusal of attempt number `attempts`, from 1; None: give up.

    Waits double from 1 minute to 1 hour. The last attempt is made when the 24 hours are over.
    """
    deadline = first_attempt_at + GIVE_UP_AFTER
    if now >= deadline:
        return None
    wait = min(FIRST_WAIT * _doubled(attempts), LONGEST_WAIT)
    return min(now + wait * (1 + _SPREAD * jitter), deadline)


def reconnect_seconds(failures: int, jitter: float) -> float:
    """Seconds of real time until a relay is connected to again, after `failures` in a row, from 1.

    Waits double from half a second to 15 seconds.
    """
    wait = min(_FIRST_RECONNECT_SECONDS * _doubled(failures), _LONGEST_RECONNECT_SECONDS)
    return min(wait * (1 + _SPREAD * jitter), _LONGEST_RECONNECT_SECONDS)


def _doubled(times: int) -> float:
    """1, 2, 4, ... for 1, 2, 3, ..."""
    return 2.0 ** min(times - 1, _MOST_DOUBLINGS)
