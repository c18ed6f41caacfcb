"""Between rows and the domain's values. Pure: no SQL here, only what a column holds."""

from collections.abc import Iterable, Mapping
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
    Load,
    Mark,
    Released,
    Server,
    Subscription,
)

_STATES: Mapping[str, type[Active] | type[Grace] | type[Released]] = {
    "active": Active,
    "grace": Grace,
    "released": Released,
}
_CONTACTS = 20_000
_STATE_OF = {contract: name for name, contract in _STATES.items()}


class Texts(NamedTuple):
    """The documents of an account as its row holds them."""

    contact: str | None = None
    subscription: str | None = None
    facts: str | None = None


def texts_in(row: Any) -> Texts:
    """As they are stored; columns as in `store.ACCOUNT_COLUMNS`."""
    return Texts(row[3], row[4], row[10])


def account_of(row: Any) -> Account:
    """An account without what has rows of its own; columns as in `store.ACCOUNT_COLUMNS`."""
    # By position: to ask a row for a name costs more than to read what stands there.
    account_id, version, decided_at, contact, subscription, balance = row[:6]
    registered_servers, registered_cores, bound_servers, bound_cores, packed = row[6:11]
    return Account(
        account_id=account_id,
        version=version,
        decided_at=decided_at,
        contact=_contact(contact) if contact else None,
        subscription=_subscription(subscription) if subscription else None,
        balance=balance,
        registered=Load(registered_servers, registered_cores),
        bound=Load(bound_servers, bound_cores),
        **(_facts_of(packed) if packed else {}),
    )


def _facts_of(packed: str) -> dict[str, Any]:
    facts = orjson.loads(packed)
    return {
        "capacity": {Feature(name): CapacityUse(used, _mark(mark)) for name, (used, mark) in facts["capacity"].items()},
        "retained": {ConfigurationKind(kind): count for kind, count in facts["retained"].items()},
        "snapshot_mark": mark_of(facts["snapshot_mark"]),
        "configuration_floor": _instant(facts["configuration_floor"]),
    }


def _subscription(text: str) -> Subscription:
    state = text.split('"', 4)[3]
    return from_json(_STATES[state], text)


def texts_of(account: Account, *, before: Account, stored: Texts) -> Texts:
    """The documents of `account`; those that are still as in `before` are taken as they were stored."""
    facts_alike = _facts(account) == _facts(before)
    return Texts(
        contact=stored.contact if account.contact is before.contact else _contact_json(account.contact),
        subscription=(
            stored.subscription
            if account.subscription is before.subscription
            else _subscription_json(account.subscription)
        ),
        facts=stored.facts if facts_alike else _facts_json(account),
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


def _facts(account: Account) -> tuple[object, ...]:
    """Capacity, retained counts, the snapshot's mark and the configuration's floor: what has no column of its own."""
    return account.capacity, account.retained, account.snapshot_mark, account.configuration_floor


def _facts_json(account: Account) -> str | None:
    if not any(_facts(account)):
        return None
    return orjson.dumps(
        {
            "capacity": {feature.value: [use.used, tuple(use.mark)] for feature, use in account.capacity.items()},
            "retained": {kind.value: count for kind, count in account.retained.items() if count},
            "snapshot_mark": _packed(account.snapshot_mark),
            "configuration_floor": account.configuration_floor,
        }
    ).decode()


def server_of(row: Any) -> Server:
    """Columns: account_id, server_id, present, cores, bound, marks."""
    _, server_id, present, cores, bound, marks = row
    present_mark, cores_mark, bound_mark = orjson.loads(marks)
    return Server(
        server_id=server_id,
        present=present,
        present_mark=mark_of(present_mark),
        cores=cores,
        cores_mark=mark_of(cores_mark),
        bound=bound,
        bound_mark=mark_of(bound_mark),
    )


def server_marks(server: Server) -> str:
    """Where the three registers got their values."""
    marks = (server.present_mark, server.cores_mark, server.bound_mark)
    return orjson.dumps([_packed(mark) for mark in marks]).decode()


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
    return ConfigurationEntry(orjson.loads(value) if value is not None else None, present, _mark(orjson.loads(mark)))


def pack_mark(mark: Mark) -> str:
    return orjson.dumps(tuple(mark)).decode()


def mark_of(packed: Iterable[str] | None) -> Mark | None:
    return _mark(packed) if packed else None


def _mark(packed: Iterable[str]) -> Mark:
    time, source, id_ = packed
    return Mark(datetime.fromisoformat(time), source, id_)


def _packed(mark: Mark | None) -> tuple[object, ...] | None:
    """orjson takes instants, but no named tuples."""
    return tuple(mark) if mark else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
