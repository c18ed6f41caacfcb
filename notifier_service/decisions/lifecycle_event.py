"""One lifecycle event as the notifier sees it: what happened, to whom, at which version.

`read` builds it from the decoded envelope; everything behind it (plan, suppress, render) is pure.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final, Self

from pydantic import ValidationError

from shared.contracts.envelope import Event, Reason, Unreadable, adapter
from shared.contracts.lifecycle import LifecycleData, RenewalDue
from shared.contracts.lifecycle_parts import LifecycleMetadata
from shared.contracts.scalars import Instant

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """`type` is the wire's full name, `kind` its short one (`renewal_due`); `recordedat` is UTC."""

    id: str
    type: str
    kind: str
    time: datetime
    recordedat: datetime
    stamp: LifecycleMetadata
    data: LifecycleData
    traceparent: str | None

    def told_at(self, now: datetime) -> datetime:
        """The instant at which something is done about it: the service clock `now`, but never before its recording.

        With the test clock the subscription service moves first, so its events may come ahead of our time.
        """
        return max(now, self.recordedat)

    def as_told(self, now: datetime) -> Self:
        """With what passes as it is at the service clock `now`: a late reminder says the days left then (R30)."""
        match self.data:
            case RenewalDue(ends_at=end, days_left=told):
                left = ceil((end - self.told_at(now)) / _DAY) - 1  # E begins a day before the end
                return replace(self, data=replace(self.data, days_left=min(told, max(left, 0))))
            case _:
                return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    recordedat: Instant | None = None


def read(event: Event[LifecycleData]) -> LifecycleEvent:
    """The stamp and the recording instant (without one: `time`) join the event. Raises `Unreadable`."""
    try:
        stamp = adapter(LifecycleMetadata).validate_python(event.fields["data"])
        recordedat = adapter(_Recording).validate_python(event.fields).recordedat
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(map(str, problem["loc"]))
        raise Unreadable(Reason.INVALID_DATA, f"{path}: {problem['msg']}") from None
    return LifecycleEvent(
        id=event.id,
        type=event.type,
        kind=kind_of(event.type),
        time=event.time,
        recordedat=(recordedat or event.time).astimezone(UTC),
        stamp=stamp,
        data=event.data,
        traceparent=event.traceparent,
    )


def kind_of(lifecycle_type: str) -> str:
    """`renewal_due` for `tenure.subscription.renewal_due.v1`."""
    return lifecycle_type.removeprefix("tenure.subscription.").rpartition(".")[0]
