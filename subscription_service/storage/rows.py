"""Between rows and the domain's values. Pure: no SQL here, only what a column holds."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from shared.contracts.envelope import from_json, to_json
from shared.contracts.types import ConfigurationKind, Contact, Feature
from subscription_service.domain.model import (
    Account,
    Active,
    CapacityUse,
    ConfigurationEntry,
    Coupon,
    Grace,
    Released,
    Server,
    ServerTotals,
    Subscription,
    VersionStamp,
)
from subscription_service.domain.timers import Timer, TimerKind

_STATES: Mapping[str, type[Active] | type[Grace] | type[Released]] = {
    "active": Active,
    "grace": Grace,
    "released": Released,
}
_TIMER_KINDS = {kind.value: kind for kind in TimerKind}
_CONTACTS = 20_000
_STATE_OF = {contract: name for name, contract in _STATES.items()}


class Texts(NamedTuple):
    """The documents of an account, as its row holds them."""

    contact: str | None
    subscription: str | None
    facts: str | None


class Marks(NamedTuple):
    """Where a server's three registers got their values."""

    present: VersionStamp | None
    cores: VersionStamp | None
    bound: VersionStamp | None


class Facts(NamedTuple):
    """What is in an account's `facts`: those that have no column of their own, in the order of `Account`."""

    capacity: dict[Feature, CapacityUse]
    retained: dict[ConfigurationKind, int]
    snapshot_stamp: VersionStamp | None
    configuration_floor: datetime | None


def timer_in(row: Any) -> Timer | None:
    """The account's next timer; None also where the row does not tell, since an event waits."""
    next_due_at, kind, waits = row[14:17]
    return Timer(next_due_at, _TIMER_KINDS[kind]) if kind and not waits else None


def account_of(row: Any) -> Account:
    """An account without what has rows of its own; columns as in `store.ACCOUNT_COLUMNS`."""
    # By position: to ask a row for a name costs more than to read what stands there.
    account_id, version, decided_at, contact, subscription, balance = row[:6]
    registered_servers, registered_cores, bound_servers, bound_cores, packed = row[6:11]
    facts = from_json(Facts, packed) if packed else ()
    return Account(
        account_id,
        version,
        decided_at,
        _contact(contact) if contact else None,
        _subscription(subscription) if subscription else None,
        balance,
        (),
        ServerTotals(registered_servers, registered_cores),
        ServerTotals(bound_servers, bound_cores),
        *facts,
    )


def _subscription(text: str) -> Subscription:
    state = text.split('"', 4)[3]
    return from_json(_STATES[state], text)


def texts_of(account: Account, *, before: Account) -> Texts:
    """The documents of `account`; None for those that are still as in `before`."""
    return Texts(
        contact=None if account.contact is before.contact else _contact_json(account.contact),
        subscription=None if account.subscription is before.subscription else _subscription_json(account.subscription),
        facts=None if _facts_alike(account, before) else _facts_json(account),
    )


def _subscription_json(subscription: Subscription | None) -> str | None:
    """`{"state": ..., ...}` of the folded lifecycle; the state comes first, since it says how to read the rest."""
    if subscription is None:
        return None
    contract = type(subscription)
    own = to_json(subscription).decode()
    return f'{{"state":"{_STATE_OF[contract]}",{own[1:]}'


def _contact_json(contact: Contact | None) -> str | None:
    return None if contact is None else to_json(contact).decode()


@lru_cache(maxsize=_CONTACTS)
def _contact(text: str) -> Contact:
    return from_json(Contact, text)


def _facts_alike(one: Account, other: Account) -> bool:
    return (
        one.capacity is other.capacity
        and one.retained is other.retained
        and one.snapshot_stamp is other.snapshot_stamp
        and one.configuration_floor is other.configuration_floor
    )


def _facts_json(account: Account) -> str | None:
    facts = Facts(dict(account.capacity), dict(account.retained), account.snapshot_stamp, account.configuration_floor)
    return to_json(facts).decode() if any(facts) else None


def server_of(row: Any) -> Server:
    """Columns: account_id, server_id, present, cores, bound, marks."""
    _, server_id, present, cores, bound, marks = row
    mark = from_json(Marks, marks)
    return Server(server_id, present, mark.present, cores, mark.cores, bound, mark.bound)


def server_marks(server: Server) -> str:
    """As `server_of` reads them."""
    return to_json(Marks(server.present_stamp, server.cores_stamp, server.bound_stamp)).decode()


def coupon_of(row: Any) -> Coupon:
    return Coupon(
        coupon_id=row.coupon_id,
        amount_off=row.amount_off,
        percent_off=row.percent_off,
        minimum_spend=row.minimum_spend,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def configuration_of(value: str | None, present: bool, mark: str) -> ConfigurationEntry:
    return ConfigurationEntry(
        orjson.loads(value) if value is not None else None, present, from_json(VersionStamp, mark)
    )


def pack_mark(mark: VersionStamp) -> str:
    return to_json(mark).decode()
