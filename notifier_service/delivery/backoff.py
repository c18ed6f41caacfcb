"""When a mail is tried again, and when it is given up: the relay's reply decides. Pure.

A refusal (4xx) waits on the service clock; a relay that cannot be reached is tried again in real time.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)
PATIENCE: Final = timedelta(hours=24)
SPREAD: Final = 0.2
_UNREACHABLE_FIRST: Final = 0.5
_UNREACHABLE_LONGEST: Final = 15.0
_MANY: Final = 16
_REASON_LENGTH: Final = 300
_ADDRESS: Final = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay said: the SMTP code, and its text as it came."""

    code: int
    text: str

    @property
    def reason(self) -> str:
        """One line for the outcome, without control characters and without an address."""
        printable = "".join(letter if letter.isprintable() else " " for letter in self.text)
        text = " ".join(_ADDRESS.sub("[address]", printable).split())
        return f"{self.code} {text}"[:_REASON_LENGTH].rstrip()


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again when the service clock shows `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never again; `reason` goes into the outcome."""

    reason: str


def after(reply: Reply, *, attempts: int, first_attempt_at: datetime, now: datetime, jitter: float) -> RetryAt | GiveUp:
    """What follows a refusal.

    `attempts` counts this one, from 1; `jitter` lies in [-1, 1] and spreads the wait by 20 %.
    A wait that would pass the 24 hours ends with a last attempt at their end.
    """
    deadline = first_attempt_at + PATIENCE
    if reply.code >= 500 or now >= deadline:
        return GiveUp(reply.reason)
    wait = min(FIRST_WAIT * 2.0 ** min(attempts - 1, _MANY), LONGEST_WAIT)
    return RetryAt(min(now + wait * (1 + SPREAD * jitter), deadline))


def unreachable(consecutive: int, jitter: float) -> float:
    """Seconds of real time until a relay that cannot be reached is tried again; costs no attempt.

    `consecutive` counts the failures in a row, from 1; half a second grows to 15.
    """
    wait = min(_UNREACHABLE_FIRST * 2.0 ** min(consecutive - 1, _MANY), _UNREACHABLE_LONGEST)
    return min(wait * (1 + SPREAD * jitter), _UNREACHABLE_LONGEST)
