"""The overview of an account: the document on `subscription-state` and behind `/api/accounts/{id}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.types import Day, Id, Instant, Money, Specification, Term, Whole


class SubscriptionState(StrEnum):
    NONE = "none"
    ACTIVE = "active"
    GRACE = "grace"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Servers and their cores; as a quota, null where the edition does not count it (R7)."""

    servers: Whole | None
    cores: Whole | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalState:
    enabled: bool
    cycle_months: Whole | None
    effective_on: Day | None
    next_attempt_at: Instant | None
    failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """The next thing that happens by itself; `kind` as in the timeline."""

    kind: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`specification`, `edition`, quota and capacity are of the term in force (R18)."""

    account_id: Id
    subscription_id: Id | None
    state: SubscriptionState
    edition: str | None
    specification: Specification | None
    terms: tuple[Term, ...]
    pending_orders: tuple[Id, ...]
    expires_on: Day | None
    ends_at: Instant | None
    retained_until: Instant | None
    auto_renewal: AutoRenewalState
    declined: bool
    registered: Totals
    bound: Totals
    protected_assets: Whole
    purchased_quota: Totals
    remaining_anti_ransomware_gb: Whole
    balance: Money
    next_action: NextAction | None
    version: Whole
    revision: Whole
    as_of: Instant


STATE_DOCUMENTS: Mapping[str, type[Overview]] = {"tenure.subscription.state": Overview}
