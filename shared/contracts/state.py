"""The state document of an account: what stands on `subscription-state` and at `/api/accounts/{id}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.contracts.fields import (
    AccountId,
    Balance,
    CatalogCurrency,
    CycleMonths,
    EffectiveOn,
    EndsAt,
    ExpiresOn,
    NextAttemptAt,
    OrderId,
    RetainedUntil,
    SubscriptionId,
    described,
)
from shared.contracts.scalars import Instant, Whole
from shared.contracts.types import Specification, Term


class SubscriptionState(StrEnum):
    """State of the account's latest subscription; `none` before the first purchase."""

    NONE = "none"
    ACTIVE = "active"
    GRACE = "grace"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Servers and their cores; as a quota, null where the edition does not count them (R7)."""

    servers: Annotated[Whole | None, described("Number of servers.", 5)]
    cores: Annotated[Whole | None, described("Number of CPU cores.", 20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalState:
    """Auto-renewal as it is set. Where it is off, `failing` is false and the other fields are null."""

    enabled: Annotated[bool, described("Whether auto-renewal is on.", True)]
    cycle_months: CycleMonths | None
    effective_on: EffectiveOn | None
    next_attempt_at: NextAttemptAt | None
    failing: Annotated[bool, described("Whether the last attempt for this E failed (R25).", False)]


@dataclass(slots=True, kw_only=True)  # not frozen, as `Overview`
class NextAction:
    """What will happen next by itself."""

    kind: Annotated[str, described("Kind of the timer, as in the timeline.", "deduction")]
    at: Annotated[Instant, described("When it is due; UTC.", "2026-03-22T00:00:00Z")]


# Not frozen: one is made for each publication and published as it was made; frozen that takes four times as long.
@dataclass(slots=True, kw_only=True)
class Overview:
    """The state document of an account. Specification, edition, quota and capacity are of the term in force (R18)."""

    account_id: AccountId
    subscription_id: SubscriptionId | None
    state: SubscriptionState
    edition: Annotated[str | None, described("Edition in force; `basic` after release; null before.", "ultimate")]
    specification: Annotated[Specification | None, described("Specification of the term in force; null without one.")]
    terms: Annotated[
        tuple[Term, ...],
        described("The last term that ended and all that have not, in order; the order list has the whole chain."),
    ]
    pending_orders: Annotated[tuple[OrderId, ...], described("Orders whose terms have not started, in order.")]
    expires_on: ExpiresOn | None
    ends_at: EndsAt | None
    retained_until: RetainedUntil | None
    auto_renewal: AutoRenewalState
    declined: Annotated[bool, described("Whether the customer said that they will not renew (R28).", False)]
    registered: Annotated[Totals, described("Servers of the inventory, and their cores.")]
    bound: Annotated[Totals, described("Servers with quota bound to them, and their cores.")]
    protected_assets: Annotated[Whole, described("Servers that are protected now.", 5)]
    purchased_quota: Annotated[Totals, described("Quota of the term in force; null where R7 does not count it.")]
    remaining_anti_ransomware_gb: Annotated[Whole, described("Anti-ransomware capacity that is left, in GB.", 80)]
    balance: Balance
    currency: CatalogCurrency
    next_action: Annotated[NextAction | None, described("The next timer; null where nothing will happen by itself.")]
    version: Annotated[Whole, described("`version` of the account's last lifecycle event; 0 before the first.", 7)]
    revision: Annotated[Whole, described("Rises with every change of this document; a revision may be skipped.", 31)]
    as_of: Annotated[Instant, described("Service clock when the document was made; UTC.", "2026-02-21T05:20:00Z")]


STATE_DOCUMENTS: Mapping[str, type[Overview]] = {"tenure.subscription.state": Overview}
