"""One attempt to deliver an email: what came of it, and what that means for the notification. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from notifier_service.decisions.notification import (
    Deferred,
    Delivered,
    DeliveryResult,
    Failed,
    NotAttempted,
    Suppressed,
)
from notifier_service.delivery import backoff

_REASON_CHARACTERS: Final = 300
_ADDRESS: Final = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_ACCEPTED: Final = range(200, 300)
_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """The relay's reply to one email: the SMTP code, and its text as received."""

    code: int
    text: str

    @property
    def reason(self) -> str:
        """Code and text in one line of at most 300 characters, without control characters and email addresses."""
        printable = "".join(letter if letter.isprintable() else " " for letter in self.text)
        text = " ".join(_ADDRESS.sub("[address]", printable).split())
        return f"{self.code} {text}"[:_REASON_CHARACTERS].rstrip()


Attempt: TypeAlias = Reply | Failed | Suppressed | NotAttempted
"""The relay's reply, or why the email was not handed to the relay."""


def result_of(
    attempt: Attempt, *, attempts: int, first_attempt_at: datetime, now: datetime, jitter: float
) -> DeliveryResult:
    """What an attempt means: 2xx is delivered, 5xx failed, any other reply is retried until 24 hours have passed.

    `attempts` counts this one, from 1; `now` is the service clock as the event's processing time; `jitter` as in
    `backoff`.
    """
    if not isinstance(attempt, Reply):
        return attempt
    if attempt.code in _ACCEPTED:
        return Delivered(attempt.reason)
    retry_at = backoff.retry_at(attempts, first_attempt_at=first_attempt_at, now=now, jitter=jitter)
    if attempt.code >= _PERMANENT or retry_at is None:
        return Failed(attempt.reason, attempted=True)
    return Deferred(retry_at, attempt.reason)
