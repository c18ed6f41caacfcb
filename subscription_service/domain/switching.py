"""Decisions that switch auto-renewal on or off, or decline the renewal (R21, R22, R28).

`decide` calls them for a live subscription. A repeat that changes nothing leads to no event.
"""

from shared.contracts.lifecycle import RenewalDeclineNoted
from shared.contracts.lifecycle_auto_renewal import AutoRenewalSwitchedOff, AutoRenewalSwitchedOn
from shared.contracts.renewals import AutoRenewalDisabled, AutoRenewalEnabled, RenewalDeclined
from subscription_service.domain import checks
from subscription_service.domain.calendar import DAY, billing_day
from subscription_service.domain.context import DecisionContext, EventsOrRejection
from subscription_service.domain.deduction import first_attempt_for_new_setting
from subscription_service.domain.reminders import quote


def enable_auto_renewal(context: DecisionContext, command: AutoRenewalEnabled) -> EventsOrRejection:
    """R21, R22: on from 00:00 of the next day in the billing zone."""
    _, subscription, at, rules = context
    refusal = checks.invalid_cycle(command.cycle_months) or checks.auto_renewal_too_late(subscription, at, rules.policy)
    if refusal:
        return refusal
    current = subscription.auto_renewal
    if current is not None and current.cycle_months == command.cycle_months:
        return ()
    effective_on = billing_day(at, rules.policy.billing_zone) + DAY
    switched_on = AutoRenewalSwitchedOn(
        cycle_months=command.cycle_months,
        effective_on=effective_on,
        first_attempt_at=first_attempt_for_new_setting(context, effective_on),
        specification=subscription.terms[-1].specification,
        quote=quote(subscription, command.cycle_months, at=at, rules=rules),
    )
    return (switched_on,)


def disable_auto_renewal(context: DecisionContext, _: AutoRenewalDisabled) -> EventsOrRejection:
    """R28: off at once."""
    subscription, at, rules = context.subscription, context.at, context.rules
    if subscription.auto_renewal is None:
        return ()
    last = subscription.terms[-1]
    switched_off = AutoRenewalSwitchedOff(
        cycle_months=subscription.auto_renewal.cycle_months,
        effective_on=billing_day(at, rules.policy.billing_zone),
        first_attempt_at=None,
        expires_on=last.expires_on,
        ends_at=last.ends_at,
    )
    return (switched_off,)


def decline_renewal(context: DecisionContext, _: RenewalDeclined) -> EventsOrRejection:
    """R28: the customer will not renew."""
    last = context.subscription.terms[-1]
    noted = RenewalDeclineNoted(expires_on=last.expires_on, ends_at=last.ends_at)
    return () if context.subscription.declined else (noted,)
