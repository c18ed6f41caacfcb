"""The state document of an account, on `subscription-state` and at `/api/accounts/{id}` (R18)."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from shared.contracts.state import AutoRenewalState, NextAction, Overview, SubscriptionState, Totals
from shared.contracts.types import Feature, ProtectionMode, Specification
from subscription_service.domain.deduction import next_attempt
from subscription_service.domain.model import (
    Account,
    Active,
    Grace,
    Released,
    ServerTotals,
    Subscription,
    specification_in_force,
)
from subscription_service.domain.policy import Catalog, Policy, Rules
from subscription_service.domain.quota import Quota, quota_of
from subscription_service.domain.terms import from_last_ended
from subscription_service.domain.timers import Timer, next_timer

_STATES: Final[Mapping[type[Active | Grace | Released | None], SubscriptionState]] = {
    Active: SubscriptionState.ACTIVE,
    Grace: SubscriptionState.GRACE,
    Released: SubscriptionState.RELEASED,
    type(None): SubscriptionState.NONE,
}

BASIC: Final = "basic"
"""The edition after release (R35); it cannot be bought."""

_NO_QUOTA: Final = Quota(None, None)
_SWITCHED_OFF: Final = AutoRenewalState(
    enabled=False, cycle_months=None, effective_on=None, next_attempt_at=None, failing=False
)


def state_of(subscription: Subscription | None) -> SubscriptionState:
    """Its state as the outside knows it."""
    return _STATES[type(subscription)]


def overview(account: Account, *, revision: int, as_of: datetime, rules: Rules) -> Overview:
    """The document as of an instant (UTC). `revision`: counted by `unit_of_work` for each account."""
    return overview_with(next_timer(account, rules.policy), account, revision=revision, as_of=as_of, rules=rules)


def overview_with(timer: Timer | None, account: Account, *, revision: int, as_of: datetime, rules: Rules) -> Overview:
    """The same, where the account's next timer is known already."""
    subscription = account.subscription
    live = subscription if isinstance(subscription, Active | Grace) else None
    specification = None if live is None else specification_in_force(live, as_of)
    terms = () if live is None else from_last_ended(live.terms, as_of)
    return Overview(
        account_id=account.account_id,
        subscription_id=None if subscription is None else subscription.subscription_id,
        state=state_of(subscription),
        edition=_edition(account, specification),
        specification=specification,
        terms=terms,
        pending_orders=tuple([term.order_id for term in terms if term.starts_at > as_of]),
        expires_on=terms[-1].expires_on if terms else None,
        ends_at=terms[-1].ends_at if terms else None,
        retained_until=live.retained_until if isinstance(live, Grace) else None,
        auto_renewal=_auto_renewal(live, account.decided_at or as_of, rules.policy),
        declined=live is not None and live.declined,
        registered=_totals(account.registered),
        bound=_totals(account.bound),
        protected_assets=_protected_assets(account, specification),
        purchased_quota=_purchased_quota(specification, rules.catalog),
        remaining_anti_ransomware_gb=_remaining_anti_ransomware(account, specification),
        balance=account.balance,
        currency=rules.catalog.currency,
        next_action=None if timer is None else NextAction(kind=timer.kind, at=timer.at),
        version=account.version,
        revision=revision,
        as_of=as_of,
    )


def protecting_mode(subscription: Subscription | None, in_force: Specification | None) -> ProtectionMode | None:
    """Full: every registered server is protected; partial: those that are bound; None: none is (R31)."""
    return in_force.protection_mode if in_force is not None and isinstance(subscription, Active) else None


def shown_of(account: Account) -> tuple[object, ...]:
    """What the document is made of: it is published anew where this differs. First what is compared fastest."""
    return (
        account.version,
        account.subscription,
        account.balance,
        account.registered,
        account.bound,
        account.capacity,
        account.decided_at,
    )


def _edition(account: Account, specification: Specification | None) -> str | None:
    if specification is not None:
        return specification.edition
    return None if account.subscription is None else BASIC


def _auto_renewal(live: Active | Grace | None, after: datetime, policy: Policy) -> AutoRenewalState:
    if live is None or live.auto_renewal is None:
        return _SWITCHED_OFF
    return AutoRenewalState(
        enabled=True,
        cycle_months=live.auto_renewal.cycle_months,
        effective_on=live.auto_renewal.effective_on,
        next_attempt_at=next_attempt(live, after, policy) if isinstance(live, Active) else None,
        failing=isinstance(live, Active) and live.failure is not None,
    )


@lru_cache(maxsize=4096)
def _totals(counted: ServerTotals | Quota) -> Totals:
    """Cached: there are far fewer different totals than accounts."""
    return Totals(servers=counted.servers, cores=counted.cores)


def _protected_assets(account: Account, specification: Specification | None) -> int:
    """Registered servers in full mode, bound ones in partial mode, 0 unless active (R31)."""
    mode = protecting_mode(account.subscription, specification)
    if mode is None:
        return 0
    return account.registered.servers if mode is ProtectionMode.FULL else account.bound.servers


def _purchased_quota(specification: Specification | None, catalog: Catalog) -> Totals:
    return _totals(_NO_QUOTA if specification is None else quota_of(specification, catalog))


def _remaining_anti_ransomware(account: Account, specification: Specification | None) -> int:
    """In GB, never below 0, also where more is used than was purchased."""
    if specification is None:
        return 0
    use = account.capacity.get(Feature.ANTI_RANSOMWARE_GB)
    purchased = specification.value_added.get(Feature.ANTI_RANSOMWARE_GB, 0)
    return max(0, purchased - (0 if use is None else use.used))
