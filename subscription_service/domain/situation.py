"""What a decision stands on: its moment, where it came from, what is known, and what it may answer.

The service clock comes in as an argument; nobody in here asks for the time.
"""

from datetime import datetime
from typing import NamedTuple

from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.model import Account, Active, Grace, VersionStamp
from subscription_service.domain.policy import Rules
from subscription_service.domain.refusals import Rejection

Decision = tuple[LifecycleData, ...] | Rejection
"""What a command leads to."""


class Moment(NamedTuple):
    """`at` is the instant of the decision (UTC, whole seconds), `now` the service clock at its recording."""

    at: datetime
    now: datetime


def instant_of(event_time: datetime, now: datetime, decided_at: datetime | None) -> datetime:
    """The rule book's *At* (R4): the event's `time`, no later than the clock, cut to the second,
    no earlier than the account's last decided instant. All UTC.
    """
    at = min(event_time, now)
    if at.microsecond:
        at = at.replace(microsecond=0)
    return at if decided_at is None or at > decided_at else decided_at


class Arrival(NamedTuple):
    """A fact's circumstances: its mark for the registers, the instant it is taken in, the rules."""

    mark: VersionStamp
    at: datetime
    rules: Rules


class Situation(NamedTuple):
    """What a decision about a live subscription looks at: `account.subscription` is `subscription`."""

    account: Account
    subscription: Active | Grace
    at: datetime
    rules: Rules
