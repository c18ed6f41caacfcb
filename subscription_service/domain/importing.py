"""Taking over a subscription of another system as it stands there (R42-R44).

R6, R8, R10, R16 and R22 are not asked. What is due before the import never runs: `timers` begins after `at`, which is
the instant of the import's decision (R43). Nothing else of an import is special: `evolve` makes an ordinary
subscription of the one event.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from shared.contracts.imported import LAST_YEAR, ImportedTerm, SubscriptionImported
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_parts import AutoRenewalPlan, ImportedState
from shared.contracts.types import Term
from subscription_service.domain import checks
from subscription_service.domain.calendar import add_months, billing_day, days_after, end_of, midnight
from subscription_service.domain.context import EventsOrRejection
from subscription_service.domain.deduction import first_attempt
from subscription_service.domain.inventory import put_in_effect
from subscription_service.domain.model import Account, started_specification
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.quota import exceeds


def import_subscription(
    account: Account, command: SubscriptionImported, at: datetime, rules: Rules
) -> EventsOrRejection:
    """R42: refused where a subscription is active or in grace, or where the grace of the imported one is over."""
    retained_until = grace_end(command.terms[-1].expires_on, rules.policy)
    refusal = checks.already_subscribed(account.subscription) or checks.import_expired(retained_until, at)
    return refusal or (_imported(account, command, at, rules),)


def faults(command: SubscriptionImported, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What is wrong with an import in this billing zone: the field, and what was expected (R42)."""
    for number, term in enumerate(command.terms):
        yield from _faults_of(term, f"terms.{number}")
    first = command.terms[0]
    if first.starts_at >= _end_of(first, zone):
        yield "terms.0.starts_at", f"expected an instant before the end of its expires_on, {first.expires_on}"
    for number, (before, after) in enumerate(pairwise(command.terms), start=1):
        if after.starts_at != _end_of(before, zone):
            yield f"terms.{number}.starts_at", f"expected {_shown(_end_of(before, zone))}, where the term before ends"
    expires_on = command.terms[-1].expires_on
    if not falls_on(expires_on, command.anchor_day):
        yield "anchor_day", f"expected the day of the last expires_on, {expires_on.day}"


def not_started(terms: tuple[ImportedTerm, ...], now: datetime) -> tuple[str, str] | None:
    """The fault of a chain whose first term has not started at the service clock (UTC) (R42)."""
    if terms[0].starts_at <= now.replace(microsecond=0):
        return None
    return "terms.0.starts_at", f"expected an instant that has passed; the clock shows {_shown(now)}"


def falls_on(expires_on: date, anchor_day: int) -> bool:
    """Whether an E is on the anchor day, clamped to its month (R1)."""
    return add_months(expires_on, 0, anchor_day) == expires_on


def grace_end(expires_on: date, policy: Policy) -> datetime:
    """When the grace after that E ends: 00:00 in the billing zone on E + 1 + `grace_days` (R35)."""
    return midnight(days_after(expires_on, policy.grace_days + 1), policy.billing_zone)


def _imported(account: Account, command: SubscriptionImported, at: datetime, rules: Rules) -> Imported:
    terms = tuple(_term(term, rules.policy.billing_zone) for term in command.terms)
    last, specification = terms[-1], started_specification(terms, at)
    active = at < last.ends_at
    return Imported(
        import_id=command.import_id,
        contact=command.contact,
        anchor_day=command.anchor_day,
        terms=terms,
        specification=specification,
        expires_on=last.expires_on,
        ends_at=last.ends_at,
        state=ImportedState.ACTIVE if active else ImportedState.GRACE,
        retained_until=None if active else grace_end(last.expires_on, rules.policy),
        auto_renewal=_plan(command, active, at, rules.policy),
        declined=command.declined,
        quota_exceeded=exceeds(put_in_effect(account), specification, rules.catalog),
    )


def _faults_of(term: ImportedTerm, place: str) -> Iterator[tuple[str, str]]:
    if term.expires_on.year > LAST_YEAR:
        yield f"{place}.expires_on", f"expected a day up to the year {LAST_YEAR}"
    for feature, amount in term.specification.value_added.items():
        if amount < 0:
            yield f"{place}.specification.value_added.{feature}", "expected 0 or more"


def _end_of(term: ImportedTerm, zone: ZoneInfo) -> datetime:
    """Where its day lies beyond the calendar, which is a fault of its own, the end of the calendar's last year."""
    return end_of(min(term.expires_on, date(LAST_YEAR, 12, 31)), zone)


def _term(term: ImportedTerm, zone: ZoneInfo) -> Term:
    return Term(
        order_id=term.order_id,
        starts_at=term.starts_at,
        ends_at=end_of(term.expires_on, zone),
        expires_on=term.expires_on,
        months=term.months,
        specification=term.specification,
    )


def _plan(command: SubscriptionImported, active: bool, at: datetime, policy: Policy) -> AutoRenewalPlan | None:
    """R43: it is in effect at once, so the first attempt is on E - 9, or at the next 08:00 (R21)."""
    if command.auto_renewal is None:
        return None
    effective_on, expires_on = billing_day(at, policy.billing_zone), command.terms[-1].expires_on
    return AutoRenewalPlan(
        cycle_months=command.auto_renewal.cycle_months,
        effective_on=effective_on,
        first_attempt_at=first_attempt(expires_on, effective_on, after=at, policy=policy) if active else None,
    )


def _shown(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
