"""Moving E of the last term by days (R47). `decide` calls this for a live subscription."""

from datetime import datetime

from shared.contracts.acts import SubscriptionExtended
from shared.contracts.lifecycle_acts import TermExtended
from subscription_service.domain import checks
from subscription_service.domain.calendar import billing_day, days_after, end_of, midnight
from subscription_service.domain.context import DecisionContext, EventsOrRejection
from subscription_service.domain.model import Active, Grace
from subscription_service.domain.policy import Policy


def extend(context: DecisionContext, command: SubscriptionExtended) -> EventsOrRejection:
    """While active the term ends later; in grace so does the grace, unless the new end lies ahead of `at`."""
    _, subscription, at, rules = context
    refusal = checks.expectation_failed(subscription, command.expected_expires_on)
    if refusal:
        return refusal
    expires_on = days_after(subscription.terms[-1].expires_on, command.days)
    ends_at = end_of(expires_on, rules.policy.billing_zone)
    reactivated = isinstance(subscription, Grace) and ends_at > at
    extended = TermExtended(
        extension_id=command.extension_id,
        days=command.days,
        expires_on=expires_on,
        ends_at=ends_at,
        retained_until=None if reactivated else _retained_until(subscription, command.days, rules.policy),
        reactivated=reactivated,
        anchor_day=expires_on.day,
        operator=command.operator,
        reason=command.reason,
    )
    return (extended,)


def _retained_until(subscription: Active | Grace, days: int, policy: Policy) -> datetime | None:
    """Later by the same calendar days, whatever `grace_days` is now; None while active."""
    if isinstance(subscription, Active):
        return None
    day = billing_day(subscription.retained_until, policy.billing_zone)
    return midnight(days_after(day, days), policy.billing_zone)
