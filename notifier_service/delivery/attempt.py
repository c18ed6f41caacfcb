"""One attempt to deliver an email: what came of it, and what that means for the notification. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from notifier_service.decisions.bounce import BounceKind, kind_of_refusal
from notifier_service.decisions.notification import (
    Delivered,
    DeliveryResult,
    EarlierAttempts,
    Failed,
    Interrupted,
    NotAttempted,
    RetryLater,
    Suppressed,
)
from notifier_service.delivery import backoff
from notifier_service.delivery.smtp.stages import Stage, StepMeaning


@dataclass(frozen=True, slots=True)
class Attempted:
    """The email was handed to the relay; `reason` is its reply, or what happened instead, without addresses.

    `stage`: at which it did so.
    """

    meaning: StepMeaning
    reason: str
    stage: Stage = Stage.CONTENT


Attempt: TypeAlias = Attempted | Failed | Suppressed | NotAttempted
"""What the relay did with the email, or why it was not handed to the relay."""


def result_of(attempt: Attempt, earlier: EarlierAttempts, *, now: datetime, jitter: float) -> DeliveryResult:
    """What an attempt means for the notification; waits and their end after 24 hours stand in `backoff`.

    `now` is the service clock as the event's processing time; `jitter` as in `backoff`.
    """
    if not isinstance(attempt, Attempted):
        return attempt
    match attempt.meaning:
        case StepMeaning.DELIVERED:
            return Delivered(attempt.reason)
        case StepMeaning.REFUSED:
            return Failed(attempt.reason, attempted=True, bounced=_refuses_address(attempt))
        case StepMeaning.TRY_LATER | StepMeaning.TRIED:
            return _later(attempt.reason, earlier, now=now, jitter=jitter)
        case _:
            pause = backoff.reconnect_seconds(earlier.interruptions + 1, jitter)
            return Interrupted(pause, attempt.reason)


def _refuses_address(attempt: Attempted) -> bool:
    return attempt.stage is Stage.RCPT and kind_of_refusal(attempt.reason) is BounceKind.HARD


def _later(reason: str, earlier: EarlierAttempts, *, now: datetime, jitter: float) -> DeliveryResult:
    first_at = earlier.first_at or now
    retry_at = backoff.retry_at(earlier.count + 1, first_attempt_at=first_at, now=now, jitter=jitter)
    return Failed(reason, attempted=True) if retry_at is None else RetryLater(retry_at, reason)
