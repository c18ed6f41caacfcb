"""What the subscription core knows: an account, its facts and its subscription. Frozen, pure.

`Account.servers` and `.configuration` hold what the store loaded, which is not always everything:
the counters (`registered`, `bound`, `retained`) are always right. `subscription`, `contact` and
`version` are what folding the lifecycle rebuilds; the rest are facts with rows of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.contracts.types import ConfigurationKind, Contact, Feature, ProtectionMode, Specification, Term

ZERO = Decimal("0.00")
_EMPTY: Mapping[Any, Any] = MappingProxyType({})


class VersionStamp(NamedTuple):
    """Where a register got its value: the newest `time` wins, then the greater source, then id (R37)."""

    time: datetime
    source: str
    id: str


class ServerTotals(NamedTuple):
    """Servers and their cores, counted."""

    servers: int = 0
    cores: int = 0


NOTHING = ServerTotals()


class Server(NamedTuple):
    """Three registers (R37); a stamp of None means that nothing was said yet."""

    server_id: str
    present: bool = False
    present_stamp: VersionStamp | None = None
    cores: int = 0
    cores_stamp: VersionStamp | None = None
    bound: bool = False
    bound_stamp: VersionStamp | None = None


class ConfigurationEntry(NamedTuple):
    """One retained setting, newest per key (R37); `present` is False once it was removed."""

    value: Any
    present: bool
    stamp: VersionStamp


class CapacityUse(NamedTuple):
    used: int
    stamp: VersionStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """An unused coupon (R24); dates are billing days, both inclusive."""

    coupon_id: str
    amount_off: Decimal | None
    percent_off: int | None
    minimum_spend: Decimal
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewal:
    """`cycle_months` holds from `effective_on` 00:00 billing zone; until then `held_cycle` does (R21)."""

    cycle_months: int
    effective_on: date
    held_cycle: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Outstanding failed deduction for the E in force (R25)."""

    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """A subscription in force. `terms` is contiguous and never empty; E is the last one's `expires_on`.

    `attempts` counts the failed deductions for this E, also while none is outstanding (R25).
    """

    subscription_id: str
    anchor_day: int
    terms: tuple[Term, ...]
    auto_renewal: AutoRenewal | None = None
    attempts: int = 0
    failure: Failure | None = None
    declined: bool = False
    quota_exceeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """Expired, everything kept until `retained_until` (R31, R32)."""

    subscription_id: str
    anchor_day: int
    terms: tuple[Term, ...]
    retained_until: datetime
    auto_renewal: AutoRenewal | None = None
    declined: bool = False
    quota_exceeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Over; only a new purchase begins again (R5, R35)."""

    subscription_id: str
    released_at: datetime


Subscription = Active | Grace | Released


class Account(NamedTuple):
    """The customer. Known once `subscription` is not None.

    `decided_at` is the last decided instant: no decision lies before it, and every timer up to it has run.
    Facts alone (inventory, credits, coupons) do not move it, so that their order of arrival cannot matter.
    """

    account_id: str
    version: int = 0
    decided_at: datetime | None = None
    contact: Contact | None = None
    subscription: Subscription | None = None
    balance: Decimal = ZERO
    coupons: tuple[Coupon, ...] = ()
    registered: ServerTotals = NOTHING
    bound: ServerTotals = NOTHING
    capacity: Mapping[Feature, CapacityUse] = _EMPTY
    retained: Mapping[ConfigurationKind, int] = _EMPTY
    snapshot_stamp: VersionStamp | None = None
    configuration_floor: datetime | None = None
    servers: Mapping[str, Server] = _EMPTY
    configuration: Mapping[tuple[ConfigurationKind, str], ConfigurationEntry] = _EMPTY


def is_partial(account: Account) -> bool:
    """Whether all terms of a live subscription are in partial mode: there is no way back to full (R16)."""
    live = account.subscription
    return isinstance(live, Active | Grace) and all(
        term.specification.protection_mode is ProtectionMode.PARTIAL for term in live.terms
    )


def specification_in_force(subscription: Active | Grace, at: datetime) -> Specification:
    """The specification of the term that contains `at`, or of the last one that has started (R18)."""
    for term in reversed(subscription.terms):
        if term.starts_at <= at:
            return term.specification
    return subscription.terms[0].specification
