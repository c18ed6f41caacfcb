"""A lifecycle event as the notifier uses it: what happened, to which account, at which version. Pure.

`read` makes it of a decoded envelope; `plan`, `outdated` and `content` work on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final, Self

from msgspec import Struct, structs
from pydantic import ValidationError

from shared.contracts.envelope import Event, validator
from shared.contracts.lifecycle import LifecycleData, RenewalDue, kind_of
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import AutoRenewalStatus, LifecycleMetadata
from shared.contracts.scalars import Instant
from shared.contracts.unreadable import Reason, Unreadable

_DAY: Final = timedelta(days=1)
_CLOCK_SHIFTS: Final = (timedelta(0), timedelta(hours=1), timedelta(hours=-1))
"""By how much the clocks of a zone may differ between two days."""


class LifecycleEvent(Struct, frozen=True, kw_only=True):
    """`type` is the name on the wire, `kind` its short form (`renewal_due`); `time` and `recordedat` are UTC.

    `envelope`: all attributes and `data` as received; stored with an email until it has ended.
    """

    id: str
    type: str
    kind: str
    time: datetime
    recordedat: datetime
    metadata: LifecycleMetadata
    data: LifecycleData
    traceparent: str | None
    envelope: Mapping[str, Any]

    def processing_time(self, now: datetime) -> datetime:
        """The instant at which the event is processed: the service clock `now`, but never before `recordedat`.

        With the test clock the subscription service moves first, so its events may lie ahead of this service's clock.
        """
        return max(now, self.recordedat)

    def as_of(self, now: datetime) -> Self:
        """As it is told at the service clock `now`: with the days that are left then (R30), and without an attempt that
        is past.
        """
        at = self.processing_time(now)
        match self.data:
            case RenewalDue() as due:
                left = _days_left(due, at, recordedat=self.recordedat)
                return structs.replace(self, data=replace(_without_past_attempt(due, at), days_left=left))
            case AutoRenewalFailed(next_attempt_at=planned) if planned is not None and planned <= at:
                return structs.replace(self, data=replace(self.data, next_attempt_at=None))
            case _:
                return self


def _days_left(due: RenewalDue, at: datetime, *, recordedat: datetime) -> int:
    """The days from the billing date of `at` to E (R30), no more than at `recordedat`.

    The event does not name the billing zone. Where the zone changes its clocks before the end, the days began an hour
    later or earlier until then; that shows where it makes the days at `recordedat` others than the event says. So an
    event that was recorded in another hour, and is told in the one next to midnight, may say a day too few or too many.
    """
    shifted = (due.ends_at + shift for shift in _CLOCK_SHIFTS)
    end = next((each for each in shifted if _days_before(each, recordedat) == due.days_left), due.ends_at)
    return min(due.days_left, _days_before(end, at))


def _days_before(end: datetime, at: datetime) -> int:
    return max(ceil((end - at) / _DAY) - 1, 0)  # E begins a day before the end


def _without_past_attempt(due: RenewalDue, at: datetime) -> RenewalDue:
    """Once the first attempt is past, what it would need is no longer known; what a failed one lacked still is."""
    if due.attempt_at is None or due.attempt_at > at:
        return due
    if due.auto_renewal is AutoRenewalStatus.FAILED:
        return replace(due, attempt_at=None)
    return replace(due, attempt_at=None, discount=None, coupon_id=None, balance=None, shortfall=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    data: LifecycleMetadata
    recordedat: Instant | None = None


def read(event: Event[LifecycleData]) -> LifecycleEvent:
    """With the metadata of its `data`, and `time` where `recordedat` is missing.

    Raises `Unreadable` for invalid metadata or `recordedat`, and for a `subject` other than its account.
    """
    try:
        recorded = validator(_Recorded)(event.fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(map(str, problem["loc"]))
        raise Unreadable(Reason.INVALID_DATA, f"{path}: {problem['msg']}") from None
    metadata = recorded.data
    if event.subject != metadata.account_id:
        raise Unreadable(Reason.SUBJECT_MISMATCH, f"subject: expected {metadata.account_id!r} as in data.account_id")
    return LifecycleEvent(
        id=event.id,
        type=event.type,
        kind=kind_of(event.type),
        time=event.time,
        recordedat=(recorded.recordedat or event.time).astimezone(UTC),
        metadata=metadata,
        data=event.data,
        traceparent=event.traceparent,
        envelope=event.fields,
    )
