"""What an event in leads to: lifecycle events, or a `Rejection`.

One function per type of event, found in the three tables below; a type that stands in neither only changes facts
(`facts`). Each function asks its conditions (`checks`) in the order of R41, and the first that is not met refuses the
order. Nothing is changed here: `evolve` applies the events. Auto-renewal is switched in `switching`; `recipients`
and `erasing` decide by the event's stamp, which no other decision needs.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from shared.contracts.acts import AccountErased, RenewalCancelled, SubscriptionExtended
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, ContactReplaced, Renewed, SpecificationChanged
from shared.contracts.lifecycle_parts import AutoRenewalPlan, Quote, RenewalMethod
from shared.contracts.purchases import AccountCredited, ContactChanged, PurchaseOrdered
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.renewals import (
    AutoRenewalDisabled,
    AutoRenewalEnabled,
    RenewalChangeOrdered,
    RenewalDeclined,
    RenewalOrdered,
    SpecificationChangeOrdered,
)
from shared.contracts.types import Specification, Term
from subscription_service.domain import checks, recipients
from subscription_service.domain.calendar import DAY, billing_day
from subscription_service.domain.context import DecisionContext, EventsOrRejection, FactContext
from subscription_service.domain.deduction import first_attempt, retry_after_credit
from subscription_service.domain.erasing import erase
from subscription_service.domain.extending import extend
from subscription_service.domain.importing import import_subscription
from subscription_service.domain.model import Account, Active, Grace, retained_counts
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.pricing import fee, price_difference, quoted
from subscription_service.domain.refusals import Rejection
from subscription_service.domain.switching import decline_renewal, disable_auto_renewal, enable_auto_renewal
from subscription_service.domain.taking_back import take_back
from subscription_service.domain.terms import change_with_term, differs, first_term, next_term


def decide(account: Account, command: InboundData, context: FactContext) -> EventsOrRejection:
    """Decide one event; `account` has its facts already."""
    at, rules = context.at, context.rules
    by_stamp = BY_STAMP.get(type(command))
    if by_stamp is not None:
        return by_stamp(account, command, context)
    on_any_account = ON_ANY_ACCOUNT.get(type(command))
    if on_any_account is not None:
        return on_any_account(account, command, at, rules)
    on_live = ON_A_LIVE_SUBSCRIPTION.get(type(command))
    if on_live is None:
        return ()
    live = checks.live(account.subscription)
    return live if isinstance(live, Rejection) else on_live(DecisionContext(account, live, at, rules), command)


def purchase(account: Account, order: PurchaseOrdered, at: datetime, rules: Rules) -> EventsOrRejection:
    """R5-R11: a new subscription, active from `at` on."""
    today = billing_day(at, rules.policy.billing_zone)
    price = quoted(order.specification, order.duration_months, at=at, rules=rules)
    refusal = (
        checks.already_subscribed(account.subscription)
        or checks.terms_not_accepted(order)
        or checks.invalid_duration(order.duration_months, today, today=today)
        or (checks.invalid_cycle(order.duration_months) if order.auto_renewal else None)
        or checks.feature_out_of_range(order.specification, rules.catalog)
        or checks.amount_out_of_range(price.fee)
        or checks.below_inventory(account, order.specification, rules.catalog)
    )
    return refusal or (_activated(order, at, rules, price),)


def renewal(context: DecisionContext, order: RenewalOrdered) -> EventsOrRejection:
    """R12-R14: one more term after the last one, with its specification."""
    account, subscription, at, rules = context
    specification = subscription.terms[-1].specification
    price = quoted(specification, order.duration_months, at=at, rules=rules)
    refusal = (
        checks.terms_not_accepted(order)
        or checks.invalid_duration_of_renewal(context, order.duration_months)
        or checks.amount_out_of_range(price.fee)
        or checks.below_inventory(account, specification, rules.catalog)
    )
    if refusal:
        return refusal
    return (_renewed(context, _ordered_term(context, order, specification), price),)


def renewal_with_change(context: DecisionContext, order: RenewalChangeOrdered) -> EventsOrRejection:
    """R15-R17: one more term after the last one, with another specification; in grace it takes effect at once (R32)."""
    account, subscription, at, rules = context
    current = subscription.terms[-1].specification
    price = quoted(order.specification, order.duration_months, at=at, rules=rules)
    refusal = (
        checks.terms_not_accepted(order)
        or checks.invalid_duration_of_renewal(context, order.duration_months)
        or checks.feature_out_of_range(order.specification, rules.catalog)
        or checks.amount_out_of_range(price.fee)
        or checks.pending_renewal_order(subscription, at)
        or checks.mode_change_not_allowed(current, order.specification)
        or checks.below_minimum_quota(account, order.specification, rules.catalog)
    )
    if refusal:
        return refusal
    term = _ordered_term(context, order, order.specification)
    renewed = _renewed(context, term, price)
    if renewed.reactivated and differs(current, term.specification):
        return renewed, change_with_term(term, current, at)
    return (renewed,)


def change_now(context: DecisionContext, order: SpecificationChangeOrdered) -> EventsOrRejection:
    """R19: another specification for the term in force, from `at` on."""
    account, subscription, at, rules = context
    term, prices = subscription.terms[-1], rules.prices_at(at)
    refusal = (
        checks.not_active(subscription)
        or checks.terms_not_accepted(order)
        or checks.feature_out_of_range(order.specification, rules.catalog)
        or checks.amount_out_of_range(fee(order.specification, term.months, prices))
        or checks.pending_renewal_order(subscription, at)
        or checks.mode_change_not_allowed(term.specification, order.specification)
        or checks.downgrade_only_at_renewal(term.specification, order.specification)
        or checks.below_minimum_quota(account, order.specification, rules.catalog)
    )
    if refusal:
        return refusal
    changed = SpecificationChanged(
        order_id=order.order_id,
        previous=term.specification,
        specification=order.specification,
        effective_at=at,
        price_difference=price_difference(term, order.specification, at=at, prices=prices),
        currency=rules.catalog.currency,
    )
    return (changed,)


def credit(account: Account, _: AccountCredited, at: datetime, rules: Rules) -> EventsOrRejection:
    """R25: while a deduction is outstanding, a credit tries it again at once."""
    subscription = account.subscription
    if not isinstance(subscription, Active):
        return ()
    attempted = retry_after_credit(DecisionContext(account, subscription, at, rules))
    return () if attempted is None else (attempted,)


def replace_contact(account: Account, command: ContactChanged, _at: datetime, _rules: Rules) -> EventsOrRejection:
    """R38; the same contact again leads to nothing."""
    return () if command.contact == account.contact else (ContactReplaced(contact=command.contact),)


BY_STAMP: Final[Mapping[type[InboundData], Callable[[Account, Any, FactContext], EventsOrRejection]]] = {
    RecipientsChanged: recipients.replace,
    AccountErased: erase,
}
"""These are decided by their stamp too, whatever the account's state."""

ON_ANY_ACCOUNT: Final[Mapping[type[InboundData], Callable[[Account, Any, datetime, Rules], EventsOrRejection]]] = {
    PurchaseOrdered: purchase,
    ContactChanged: replace_contact,
    AccountCredited: credit,
    SubscriptionImported: import_subscription,
    RenewalCancelled: take_back,
}
"""These are decided whatever the account's state."""

ON_A_LIVE_SUBSCRIPTION: Final[Mapping[type[InboundData], Callable[[DecisionContext, Any], EventsOrRejection]]] = {
    RenewalOrdered: renewal,
    RenewalChangeOrdered: renewal_with_change,
    SpecificationChangeOrdered: change_now,
    AutoRenewalEnabled: enable_auto_renewal,
    AutoRenewalDisabled: disable_auto_renewal,
    RenewalDeclined: decline_renewal,
    SubscriptionExtended: extend,
}
"""These are refused where there is no subscription, or it is released."""


def _activated(order: PurchaseOrdered, at: datetime, rules: Rules, price: Quote) -> Activated:
    term = first_term(order, at, rules.policy)
    return Activated(
        order_id=order.order_id,
        contact=order.contact,
        term=term,
        specification=order.specification,
        expires_on=term.expires_on,
        ends_at=term.ends_at,
        auto_renewal=_plan(term, at, rules.policy) if order.auto_renewal else None,
        price=price,
    )


def _plan(term: Term, at: datetime, policy: Policy) -> AutoRenewalPlan:
    """R11: the cycle is the duration of the purchase; it takes effect the next day (R21)."""
    effective_on = billing_day(at, policy.billing_zone) + DAY
    return AutoRenewalPlan(
        cycle_months=term.months,
        effective_on=effective_on,
        first_attempt_at=first_attempt(term.expires_on, effective_on, after=at, policy=policy),
    )


def _ordered_term(
    context: DecisionContext, order: RenewalOrdered | RenewalChangeOrdered, specification: Specification
) -> Term:
    """The term after the last one, as it is ordered (R12, R15)."""
    return next_term(
        context.subscription,
        order.order_id,
        months=order.duration_months,
        specification=specification,
        policy=context.rules.policy,
    )


def _renewed(context: DecisionContext, term: Term, price: Quote) -> Renewed:
    reactivated = isinstance(context.subscription, Grace)
    return Renewed(
        order_id=term.order_id,
        method=RenewalMethod.MANUAL,
        term=term,
        expires_on=term.expires_on,
        ends_at=term.ends_at,
        reactivated=reactivated,
        price=price,
        retained=retained_counts(context.account) if reactivated else None,
    )
