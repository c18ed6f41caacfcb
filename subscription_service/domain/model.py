"""What is known of an account: its subscription and its facts. Values that are replaced, never changed.

`subscription`, `contact`, `version` and `decided_at` are what applying the lifecycle events in order rebuilds; the rest
are facts; some have rows of their own. `servers`, `configuration`, `coupons`, `revoked_coupons` (ids of
coupons) and `placed_orders` (by order id) hold only the rows that the storage loaded for this decision; the totals
(`registered`, `bound`, `retained`) always count all of them.
The fields of `Active`, `Grace`, `Released` and what is in them are stored by name: renaming one needs a migration.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from shared.contracts.types import (
    ConfigurationKind,
    Contact,
    Feature,
    FurtherRecipient,
    ProtectionMode,
    Specification,
    Term,
)

ZERO = Decimal("0.00")
_EMPTY: Mapping[Any, Any] = MappingProxyType({})


class VersionStamp(NamedTuple):
    """Which event gave a register its value. The greater stamp wins: newer `time` (UTC), then source, then id (R37)."""

    time: datetime
    source: str
    id: str


OLDEST_STAMP: Final = VersionStamp(datetime.min.replace(tzinfo=UTC), "", "")
"""Older than the stamp of every event: of what no event has stated."""


class ServerTotals(msgspec.Struct, frozen=True):
    """A number of servers and the sum of their cores."""

    servers: int = 0
    cores: int = 0


NOTHING = ServerTotals()


class Server(msgspec.Struct, frozen=True):
    """One server with three registers: presence, cores, binding (R37). A stamp is None until an event sets it.

    `binding_waits`: a snapshot states that it is bound, which has no effect until partial mode begins; `bound` is then
    False.
    """

    server_id: str
    present: bool = False
    present_stamp: VersionStamp | None = None
    cores: int = 0
    cores_stamp: VersionStamp | None = None
    bound: bool = False
    bound_stamp: VersionStamp | None = None
    binding_waits: bool = False


class ConfigurationEntry(NamedTuple):
    """One retained configuration entry; the newest event per key wins (R37). `present` is False once it was removed."""

    value: Any
    present: bool
    stamp: VersionStamp


class CapacityUse(NamedTuple):
    """How much of a feature is used, in the feature's unit; the newest measurement wins (R37)."""

    used: int
    stamp: VersionStamp


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """An unused coupon (R24): `amount_off` in the catalog's currency or `percent_off`. Both days are billing days on
    which it can still be used.
    """

    coupon_id: str
    amount_off: Decimal | None
    percent_off: int | None
    minimum_spend: Decimal
    valid_from: date
    valid_until: date


class AutoRenewal(msgspec.Struct, frozen=True, kw_only=True):
    """Auto-renewal is on: `cycle_months` from 00:00 of `effective_on` in the billing zone; until then `held_cycle`, the
    cycle of the setting before, or nothing where that is None (R21).
    """

    cycle_months: int
    effective_on: date
    held_cycle: int | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The last attempt for this E failed (R25). `next_attempt_at` (UTC): None after the last attempt of the list."""

    next_attempt_at: datetime | None


class Active(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="state", tag="active"):
    """A subscription in service. `terms` are contiguous and never empty; E is `expires_on` of the last one.

    `terms` begins with a term that had ended by the last renewal, or with the first one; no earlier one is kept.
    `attempts`: failed deductions for this E so far, also where none is outstanding (R25). `declined`: R28.
    `quota_exceeded`: the flag of R33. `taken_back_for`: each E, while it is not past, whose automatic renewal was taken
    back (R46). `anchor_days_before`: order id of a pending term that was extended -> the anchor day before (R47).
    `attempts_for_others`: `attempts` of each other E while it is not past, since it can come again (R46); only where
    there were any.

    What is as by default is left out where it is stored: a default never changes.
    """

    subscription_id: str
    anchor_day: int
    terms: tuple[Term, ...]
    auto_renewal: AutoRenewal | None = None
    attempts: int = 0
    failure: Failure | None = None
    declined: bool = False
    quota_exceeded: bool = False
    taken_back_for: tuple[date, ...] = ()
    anchor_days_before: Mapping[str, int] = msgspec.field(default_factory=dict)
    attempts_for_others: Mapping[date, int] = msgspec.field(default_factory=dict)

    @property
    def had_attempt(self) -> bool:
        """Whether a deduction was tried for this E: it failed, or the renewal was taken back (R46)."""
        return self.attempts > 0 or self.terms[-1].expires_on in self.taken_back_for


class Grace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="state", tag="grace"):
    """A subscription whose last term is over; everything is retained until `retained_until` (UTC) (R31, R32).

    Stored without what is as by default, as `Active`.
    """

    subscription_id: str
    anchor_day: int
    terms: tuple[Term, ...]
    retained_until: datetime
    auto_renewal: AutoRenewal | None = None
    declined: bool = False
    quota_exceeded: bool = False
    taken_back_for: tuple[date, ...] = ()
    attempts_for_others: Mapping[date, int] = msgspec.field(default_factory=dict)


class Released(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="released"):
    """A subscription that is over (R35). Only a new purchase makes another one (R5)."""

    subscription_id: str
    released_at: datetime


Subscription = Active | Grace | Released


class Person(NamedTuple):
    """What the next erasure of the account has to know (R48).

    `named`: whether a contact may have been stated since the last one. `stated_at`: `time` of the event that stated
    the account's contact (UTC); None where that is not known. `erased_at`: the latest `time` of an erasure (UTC).
    """

    named: bool = True
    stated_at: datetime | None = None
    erased_at: datetime | None = None


NOBODY_ERASED = Person()


class Recipients(NamedTuple):
    """The further recipients of an account (R52); `stamp`: of the newest list, also where it was the known one."""

    entries: tuple[FurtherRecipient, ...] = ()
    stamp: VersionStamp | None = None


NO_RECIPIENTS = Recipients()


class PlacedOrder(NamedTuple):
    """What is known of an order that appended a term: `charged` was deducted here for it (0.00: nothing was). `fee`:
    its list price for so many `months` of this specification; None where another system priced it.
    """

    charged: Decimal = ZERO
    taken_back: bool = False
    fee: Decimal | None = None
    months: int | None = None
    specification: Specification | None = None


class Account(msgspec.Struct, frozen=True):
    """One customer; *known* once `subscription` is not None (R40).

    `version`: number of lifecycle events so far. `decided_at`: the last decided instant (UTC); no decision lies before
    it, and every timer up to it has run. Facts alone (inventory, credits, coupons) do not move it, so that their order
    of arrival makes no difference. `bound_ahead`: bound before they are registered, and counted for a decision about a
    binding alone (R36). `snapshot_stamp`: of the last inventory snapshot. `configuration_floor`: configuration events
    with an older `time` are ignored (R5, R35).
    """

    account_id: str
    version: int = 0
    decided_at: datetime | None = None
    contact: Contact | None = None
    person: Person = NOBODY_ERASED
    recipients: Recipients = NO_RECIPIENTS
    subscription: Subscription | None = None
    balance: Decimal = ZERO
    coupons: tuple[Coupon, ...] = ()
    revoked_coupons: frozenset[str] = frozenset()
    placed_orders: Mapping[str, PlacedOrder] = _EMPTY
    registered: ServerTotals = NOTHING
    bound: ServerTotals = NOTHING
    bound_ahead: ServerTotals = NOTHING
    capacity: Mapping[Feature, CapacityUse] = _EMPTY
    retained: Mapping[ConfigurationKind, int] = _EMPTY
    snapshot_stamp: VersionStamp | None = None
    configuration_floor: datetime | None = None
    servers: Mapping[str, Server] = _EMPTY
    configuration: Mapping[tuple[ConfigurationKind, str], ConfigurationEntry] = _EMPTY


def retained_counts(account: Account) -> Mapping[str, int]:
    """Retained configuration entries by kind; kinds of which there are none are left out."""
    if not account.retained:
        return {}  # of most accounts
    return {kind.value: count for kind in ConfigurationKind if (count := account.retained.get(kind, 0))}


def is_partial(account: Account) -> bool:
    """Whether all terms of a live subscription are in partial mode; it then stays so (R16).

    Terms that are not kept ended before the first one here, and the mode never goes back to full.
    """
    live = account.subscription
    return isinstance(live, Active | Grace) and all(
        term.specification.protection_mode is ProtectionMode.PARTIAL for term in live.terms
    )


def specification_in_force(subscription: Active | Grace, at: datetime) -> Specification:
    """The specification of the last term that has started at `at` (UTC) (R18)."""
    return started_specification(subscription.terms, at)


def started_specification(terms: tuple[Term, ...], at: datetime) -> Specification:
    """The specification of the last of these terms that has started at `at` (UTC); before all of them the first's."""
    if len(terms) == 1:
        return terms[0].specification  # of most accounts, with every event
    return next((term.specification for term in reversed(terms) if term.starts_at <= at), terms[0].specification)
