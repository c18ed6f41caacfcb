"""A lifecycle event as the notifier uses it: what happened, to which account, at which version. Pure.

`read` makes it of a decoded envelope; `plan`, `outdated` and `content` work on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final, Self

from pydantic import ValidationError

from shared.contracts.envelope import Event, adapter
from shared.contracts.lifecycle import LifecycleData, RenewalDue, kind_of
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import AutoRenewalStatus, LifecycleMetadata
from shared.contracts.scalars import Instant
from shared.contracts.unreadable import Reason, Unreadable

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
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
    envelope: Mapping[str, Any] = field(compare=False, repr=False)

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
                return replace(self, data=_with_days_left(_without_past_attempt(due, at), at))
            case AutoRenewalFailed(next_attempt_at=planned) if planned is not None and planned <= at:
                return replace(self, data=replace(self.data, next_attempt_at=None))
            case _:
                return self


def _with_days_left(due: RenewalDue, at: datetime) -> RenewalDue:
    left = ceil((due.ends_at - at) / _DAY) - 1  # E begins a day before the end
    return replace(due, days_left=min(due.days_left, max(left, 0)))


def _without_past_attempt(due: RenewalDue, at: datetime) -> RenewalDue:
    """Once the first attempt is past, what it would need is no longer known; what a failed one lacked still is."""
    if due.attempt_at is None or due.attempt_at > at:
        return due
    if due.auto_renewal is AutoRenewalStatus.FAILED:
        return replace(due, attempt_at=None)
    return replace(due, attempt_at=None, discount=None, coupon_id=None, balance=None, shortfall=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    recordedat: Instant | None = None


def read(event: Event[LifecycleData]) -> LifecycleEvent:
    """With the metadata of its `data`, and `time` where `recordedat` is missing.

    Raises `Unreadable` for invalid metadata or `recordedat`, and for a `subject` other than its account.
    """
    try:
        metadata = adapter(LifecycleMetadata).validate_python(event.fields["data"])
        recordedat = adapter(_Recording).validate_python(event.fields).recordedat
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(map(str, problem["loc"]))
        raise Unreadable(Reason.INVALID_DATA, f"{path}: {problem['msg']}") from None
    if event.subject != metadata.account_id:
        raise Unreadable(Reason.SUBJECT_MISMATCH, f"subject: expected {metadata.account_id!r} as in data.account_id")
    return LifecycleEvent(
        id=event.id,
        type=event.type,
        kind=kind_of(event.type),
        time=event.time,
        recordedat=(recordedat or event.time).astimezone(UTC),
        metadata=metadata,
        data=event.data,
        traceparent=event.traceparent,
        envelope=event.fields,
    )
