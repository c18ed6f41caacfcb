"""An account's subscription as its recipient is shown it, folded from the lifecycle events that were read. Pure.

It is less than what the subscription service knows: what no event has said yet is None. Nothing is decided by it but
which failed deductions are remembered as told, and which would have been told in the shadow.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts import lifecycle, lifecycle_acts, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.lifecycle_parts import AutoRenewalPlan, AutoRenewalStatus, ImportedState
from shared.contracts.types import Specification


class State(StrEnum):
    """Whether it protects, keeps everything for a renewal, or is gone."""

    ACTIVE = "active"
    GRACE = "grace"
    RELEASED = "released"


class Renewal(StrEnum):
    """Who renews it."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    DECLINED = "declined"


class Subscription(Struct, frozen=True, kw_only=True):
    """`version`: of the newest event in it, 0 before the first.

    `gone_at`: when what is kept in grace will be deleted, or has been. `attempt_at`: the next deduction.
    `shortfall`: what the balance lacked at the last one, in `currency`.
    """

    version: int = 0
    state: State = State.ACTIVE
    specification: Specification | None = None
    expires_on: date | None = None
    ends_at: datetime | None = None
    gone_at: datetime | None = None
    renewal: Renewal | None = None
    attempt_at: datetime | None = None
    shortfall: Decimal | None = None
    currency: str | None = None
    quota_exceeded: bool = False

    def after(self, event: LifecycleEvent) -> "Subscription":
        """With an event of its account; one that was read before, or is older, changes nothing."""
        if event.metadata.version <= self.version:
            return self
        return replace(_changed(self, event.data), version=event.metadata.version)


def _changed(known: Subscription, data: LifecycleData) -> Subscription:
    match data:
        case lifecycle.Activated() | lifecycle_acts.Imported():
            return _begun(data)
        case lifecycle.Renewed() | lifecycle_acts.RenewalTakenBack() | lifecycle_acts.TermExtended():
            return _with_another_end(known, data)
        case lifecycle.Expired() | lifecycle.ReleaseDue() | lifecycle.Released():
            return _out_of_service(known, data)
        case lifecycle.SpecificationChanged(specification=specification):
            return replace(known, specification=specification)
        case lifecycle.QuotaExceeded() | lifecycle.QuotaRestored():
            return replace(known, quota_exceeded=isinstance(data, lifecycle.QuotaExceeded))
        case _:
            return _with_other_renewal(known, data)


def _begun(data: lifecycle.Activated | lifecycle_acts.Imported) -> Subscription:
    imported = data if isinstance(data, lifecycle_acts.Imported) else None
    grace = imported is not None and imported.state is ImportedState.GRACE
    return Subscription(
        state=State.GRACE if grace else State.ACTIVE,
        specification=data.specification,
        expires_on=data.expires_on,
        ends_at=data.ends_at,
        gone_at=imported.retained_until if imported else None,
        renewal=Renewal.DECLINED if imported and imported.declined else _planned(data.auto_renewal),
        attempt_at=data.auto_renewal.first_attempt_at if data.auto_renewal else None,
        quota_exceeded=imported is not None and imported.quota_exceeded,
    )


def _planned(plan: AutoRenewalPlan | None) -> Renewal:
    return Renewal.AUTOMATIC if plan else Renewal.MANUAL


def _with_another_end(
    known: Subscription, data: lifecycle.Renewed | lifecycle_acts.RenewalTakenBack | lifecycle_acts.TermExtended
) -> Subscription:
    """What was said of attempts was about the old end."""
    known = replace(_without_attempts(known), expires_on=data.expires_on, ends_at=data.ends_at)
    match data:
        case lifecycle.Renewed(reactivated=back, term=term):
            known = replace(known, renewal=_no_longer_declined(known.renewal))
            return _active(replace(known, specification=term.specification)) if back else known
        case lifecycle_acts.TermExtended(reactivated=back, retained_until=until):
            return _active(known) if back else replace(known, gone_at=until)
        case lifecycle_acts.RenewalTakenBack(auto_renewal_off=off):
            return replace(known, renewal=Renewal.MANUAL) if off else known


def _out_of_service(
    known: Subscription, data: lifecycle.Expired | lifecycle.ReleaseDue | lifecycle.Released
) -> Subscription:
    match data:
        case lifecycle.Expired(retained_until=until, expires_on=day):
            return replace(_without_attempts(known), state=State.GRACE, expires_on=day, gone_at=until)
        case lifecycle.ReleaseDue(release_at=release):
            return replace(known, state=State.GRACE, gone_at=release)
        case lifecycle.Released(released_at=released):
            return Subscription(state=State.RELEASED, specification=known.specification, gone_at=released)


def _with_other_renewal(known: Subscription, data: LifecycleData) -> Subscription:
    """What an event says about who renews, and when; all others leave it as it is."""
    match data:
        case lifecycle_auto_renewal.AutoRenewalSwitchedOn(first_attempt_at=first):
            return replace(_without_attempts(known), renewal=Renewal.AUTOMATIC, attempt_at=first)
        case lifecycle_auto_renewal.AutoRenewalSwitchedOff() | lifecycle.RenewalDeclineNoted():
            declined = isinstance(data, lifecycle.RenewalDeclineNoted) or known.renewal is Renewal.DECLINED
            return replace(_without_attempts(known), renewal=Renewal.DECLINED if declined else Renewal.MANUAL)
        case lifecycle_auto_renewal.AutoRenewalFailed(shortfall=shortfall, currency=currency):
            failed = replace(known, shortfall=shortfall, currency=currency)
            return replace(failed, renewal=Renewal.AUTOMATIC, attempt_at=data.next_attempt_at)
        case lifecycle_auto_renewal.RenewalUpcoming(attempt_at=attempt, expires_on=day):
            return replace(known, renewal=Renewal.AUTOMATIC, attempt_at=attempt, expires_on=day)
        case lifecycle.RenewalDue():
            return _reminded(known, data)
        case _:
            return known


def _reminded(known: Subscription, data: lifecycle.RenewalDue) -> Subscription:
    """A reminder says anew what the end is and who renews (R30)."""
    renewal = {AutoRenewalStatus.OFF: Renewal.MANUAL, AutoRenewalStatus.DECLINED: Renewal.DECLINED}
    return replace(
        known,
        specification=data.specification or known.specification,
        expires_on=data.expires_on,
        ends_at=data.ends_at,
        renewal=renewal.get(data.auto_renewal, Renewal.AUTOMATIC),
        attempt_at=data.attempt_at or known.attempt_at,
    )


def _without_attempts(known: Subscription) -> Subscription:
    return replace(known, attempt_at=None, shortfall=None, currency=None)


def _active(known: Subscription) -> Subscription:
    return replace(known, state=State.ACTIVE, gone_at=None)


def _no_longer_declined(renewal: Renewal | None) -> Renewal | None:
    return Renewal.MANUAL if renewal is Renewal.DECLINED else renewal
