"""An account worked out anew from its log and its rows, and how it differs from what is stored. Pure.

The fold begins with an empty account and reads nothing but the events as they were published, and the policy.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from msgspec import structs

from shared.contracts.envelope import adapter
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, LifecycleData
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended
from shared.contracts.scalars import read_instant
from shared.contracts.types import ConfigurationKind
from subscription_service.domain.evolve import evolve
from subscription_service.domain.model import NOTHING, ZERO, Account, Released, ServerTotals, Subscription
from subscription_service.domain.orders import OrderEntry, ends_with, moved_end, order_entries
from subscription_service.domain.policy import Catalog, Rules
from subscription_service.domain.terms import from_last_ended


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of an account. `found`: worked out from log or rows. `stored`: in the account's row or order list."""

    account_id: str
    what: str
    found: object
    stored: object


@dataclass(slots=True)
class RowTotals:
    """What the rows of an account's servers, configuration entries and ledger add up to."""

    balance: Decimal = ZERO
    registered: ServerTotals = NOTHING
    bound: ServerTotals = NOTHING
    retained: dict[ConfigurationKind, int] = field(default_factory=dict)


@dataclass(slots=True)
class Rebuilt:
    """One account. `account` and `orders` (by order id) come from its log, `totals` and `listed` from its rows.

    `broken`: why the fold ended, with the event; None where it reached the end of the log.
    """

    account: Account
    orders: dict[str, OrderEntry] = field(default_factory=dict)
    listed: dict[str, OrderEntry] = field(default_factory=dict)
    totals: RowTotals = field(default_factory=RowTotals)
    broken: str | None = None


def fold(rebuilt: Rebuilt, published: bytes, rules: Rules) -> None:
    """Fold the next event of the account's log (its published JSON). An impossible one ends the fold."""
    if rebuilt.broken is not None:
        return
    event = orjson.loads(published)
    try:
        _apply(rebuilt, event, rules)
    except (ValueError, KeyError) as impossible:
        rebuilt.broken = f"{event.get('id')} ({event.get('type')}): {impossible}"


def differences(stored: Account | None, rebuilt: Rebuilt, catalog: Catalog) -> Iterator[Difference]:
    """Every difference of one account; `stored` is None where it has no row. `catalog`: what orders were priced by."""
    account_id = rebuilt.account.account_id
    if stored is None:
        yield Difference(account_id, "account", "log or rows of its own", None)
        return
    if rebuilt.broken is not None:
        yield Difference(account_id, "log", rebuilt.broken, f"version {stored.version}")
    pairs = {**_folded(rebuilt.account, stored), **_counted(rebuilt.totals, stored), **_listed(rebuilt, catalog)}
    for what, (found, kept) in pairs.items():
        if found != kept:
            yield Difference(account_id, what, found, kept)


def _apply(rebuilt: Rebuilt, event: Mapping[str, Any], rules: Rules) -> None:
    raw = event["data"]
    data: LifecycleData = adapter(LIFECYCLE_EVENTS[event["type"]]).validate_python(raw)
    at = read_instant(event["time"])
    if raw["version"] != rebuilt.account.version + 1:
        raise ValueError(f"version {raw['version']} follows {rebuilt.account.version}")
    rebuilt.account = evolve(rebuilt.account, data, at=at, policy=rules.policy)
    cause = raw["cause"]["type"]
    for entry in order_entries(data, account=rebuilt.account, cause_type=cause, at=at, rules=rules):
        rebuilt.orders[entry.order_id] = entry
    _relist(rebuilt, data, rules)


def _relist(rebuilt: Rebuilt, data: LifecycleData, rules: Rules) -> None:
    """What an event does to entries that are in the order list already (R46, R47)."""
    if isinstance(data, RenewalTakenBack):
        rebuilt.orders[data.order_id] = replace(rebuilt.orders[data.order_id], cancelled=True)
    elif isinstance(data, TermExtended):
        before, after = moved_end(data, rules.policy.billing_zone)
        for entry in [each for each in rebuilt.orders.values() if ends_with(each, before)]:
            rebuilt.orders[entry.order_id] = replace(entry, ends_at=after)


def _folded(rebuilt: Account, stored: Account) -> dict[str, tuple[object, object]]:
    """What the fold rebuilds: version, contact, recipients, state, and every field of the subscription."""
    pairs: dict[str, tuple[object, object]] = {
        "version": (rebuilt.version, stored.version),
        "contact": (rebuilt.contact, stored.contact),
        "recipients": (rebuilt.recipients.entries, stored.recipients.entries),
        "state": (_name(rebuilt.subscription), _name(stored.subscription)),
    }
    if rebuilt.subscription is None or stored.subscription is None or pairs["state"][0] != pairs["state"][1]:
        return pairs
    found, kept = (_with_current_terms(each, stored.decided_at) for each in (rebuilt.subscription, stored.subscription))
    return pairs | {name: (getattr(found, name), getattr(kept, name)) for name in found.__struct_fields__}


def _with_current_terms(subscription: Subscription, at: datetime | None) -> Subscription:
    """Without the terms that no decision needs: a row that an older version stored may still have them."""
    if at is None or isinstance(subscription, Released):
        return subscription
    return structs.replace(subscription, terms=from_last_ended(subscription.terms, at))


def _counted(totals: RowTotals, stored: Account) -> dict[str, tuple[object, object]]:
    return {
        "balance": (totals.balance, stored.balance),
        "registered": (totals.registered, stored.registered),
        "bound": (totals.bound, stored.bound),
        "retained": (totals.retained, {kind: count for kind, count in stored.retained.items() if count}),
    }


def _listed(rebuilt: Rebuilt, catalog: Catalog) -> dict[str, tuple[object, object]]:
    """Order by order."""
    ids, known = rebuilt.orders.keys() | rebuilt.listed.keys(), {prices.version for prices in catalog.price_lists}
    return {
        f"order {each}": _order_pair(rebuilt.orders.get(each), rebuilt.listed.get(each), known) for each in sorted(ids)
    }


def _order_pair(found: OrderEntry | None, listed: OrderEntry | None, known: Collection[str]) -> tuple[object, object]:
    """The fee of an order that was priced by no list of the catalog (`known`: their versions), but by a file of before
    there were lists, cannot be worked out anew, so it is not compared (R50).
    """
    if found and listed and listed.catalog_version not in known:
        found = replace(found, fee=listed.fee, catalog_version=listed.catalog_version)
    return found, listed


def _name(subscription: object) -> str:
    return "none" if subscription is None else type(subscription).__name__.lower()
