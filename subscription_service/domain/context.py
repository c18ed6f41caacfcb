"""The arguments that decisions share: the instant of a decision, the account, the rules. No clock is read here.

`step` makes these values; `decide`, `switching`, `deduction`, `facts`, `inventory` and `run_timer` take them.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.model import Account, Active, Grace, VersionStamp
from subscription_service.domain.policy import Rules
from subscription_service.domain.refusals import Rejection

EventsOrRejection = tuple[LifecycleData, ...] | Rejection
"""What deciding a command gives: lifecycle events (none: nothing changes), or the reason for its refusal (R41)."""


class DecisionTime(msgspec.Struct, frozen=True):
    """`at`: the instant of the decision (UTC, whole seconds). `now`: the service clock when it is recorded (UTC)."""

    at: datetime
    now: datetime


class FactContext(msgspec.Struct, frozen=True):
    """What `facts` and `inventory` need beside account and command: the event's stamp, and `at` (UTC)."""

    stamp: VersionStamp
    at: datetime
    rules: Rules


class DecisionContext(NamedTuple):
    """What a decision about a live subscription needs; `subscription` is `account.subscription`."""

    account: Account
    subscription: Active | Grace
    at: datetime
    rules: Rules


def instant_of(event_time: datetime, now: datetime, decided_at: datetime | None) -> datetime:
    """The instant *at* of an event's decision (R4): its `time`, but no later than `now`, cut to the second,
    and no earlier than `decided_at`, the account's last decided instant. All are UTC.
    """
    at = min(event_time, now)
    if at.microsecond:
        at = at.replace(microsecond=0)
    return at if decided_at is None or at > decided_at else decided_at
