"""Between rows and the domain's values. Pure: no SQL here, only what a column holds."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from shared.contracts.envelope import adapter
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
)

_STATES: Mapping[str, type[Active] | type[Grace] | type[Released]] = {
    "active": Active,
    "grace": Grace,
    "released": Released,
}
_CONTACTS = 20_000
_NO_FACTS: Mapping[str, Any] = {}
_STATE_OF = {contract: name for name, contract in _STATES.items()}


def account_of(row: Any) -> Account:
    """An account without what has rows of its own; columns as in `store.ACCOUNT_COLUMNS`."""
    facts = orjson.loads(row.facts) if row.facts else _NO_FACTS
    return Account(
        account_id=row.account_id,
        version=row.version,
        decided_at=row.decided_at,
        contact=_contact(row.contact) if row.contact else None,
        subscription=adapter(_STATES[row.state]).validate_json(row.subscription) if row.subscription else None,
        balance=row.balance,
        registered=Load(row.registered_servers, row.registered_cores),
        bound=Load(row.bound_servers, row.bound_cores),
        capacity={
            Feature(name): CapacityUse(used, _mark(mark)) for name, (used, mark) in facts.get("capacity", {}).items()
        },
        retained={ConfigurationKind(kind): count for kind, count in facts.get("retained", {}).items()},
        snapshot_mark=mark_of(facts.get("snapshot_mark")),
        configuration_floor=_instant(facts.get("configuration_floor")),
    )


def subscription_json(account: Account) -> str | None:
    """`{"state": ..., ...}` of the folded lifecycle."""
    subscription = account.subscription
    if subscription is None:
        return None
    contract = type(subscription)
    own = adapter(contract).dump_json(subscription).decode()
    return f'{{"state":"{_STATE_OF[contract]}",{own[1:]}'


@lru_cache(maxsize=_CONTACTS)
def contact_json(contact: Contact) -> str:
    return adapter(Contact).dump_json(contact).decode()


@lru_cache(maxsize=_CONTACTS)
def _contact(text: str) -> Contact:
    return adapter(Contact).validate_json(text)


def facts_json(account: Account) -> str | None:
    """Capacity, retained counts, the snapshot's mark and the configuration's floor; None when there is none of them."""
    if not (account.capacity or account.retained or account.snapshot_mark or account.configuration_floor):
        return None
    return orjson.dumps(
        {
            "capacity": {feature.value: [use.used, _packed(use.mark)] for feature, use in account.capacity.items()},
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
    return orjson.dumps(_packed(mark)).decode()


def mark_of(packed: Iterable[str] | None) -> Mark | None:
    return _mark(packed) if packed else None


def _mark(packed: Iterable[str]) -> Mark:
    time, source, id_ = packed
    return Mark(datetime.fromisoformat(time), source, id_)


def _packed(mark: Mark | None) -> tuple[str, str, str] | None:
    return (mark.time.isoformat(), mark.source, mark.id) if mark else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
