"""Policy and catalog as one document of plain values, its fingerprint, and what differs between two of them. Pure.

The document is what `storage.rule_changes` keeps of the rules that the data were made with.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import orjson

from subscription_service.domain.policy import Catalog, Policy, PriceList, Rules

RuleDocument: TypeAlias = Mapping[str, Any]
"""Flat: `policy.grace_days`, `catalog.editions.advanced.server_price` -> a value of JSON."""

CURRENCY: Final = "catalog.currency"
BILLING_ZONE: Final = "policy.billing_zone"
GRACE_DAYS: Final = "policy.grace_days"
PRICE_LISTS: Final = "catalog.price_lists"
_PRICES: Final = ("server_price", "core_price", "price")


class Change(NamedTuple):
    """One value that differs."""

    name: str
    before: Any
    after: Any

    @property
    def needs_acceptance(self) -> bool:
        """Whether it changes what stored data mean: another currency or billing zone, or a shorter grace."""
        return self.name in (CURRENCY, BILLING_ZONE) or (self.name == GRACE_DAYS and self.after < self.before)

    @property
    def prices_from(self) -> date | None:
        """The first billing day of the price list that it changes (R50); None where it is about something else."""
        if self.name.startswith(f"{PRICE_LISTS}."):
            return date.fromisoformat(self.name.removeprefix(f"{PRICE_LISTS}.").split(".")[0])
        of_first_list = self.name == "catalog.version" or self.name.split(".")[-1] in _PRICES
        return date.min if of_first_list else None

    @property
    def alters_orders(self) -> bool:
        """Whether stored orders would come out otherwise: another billing zone, or prices that some were made with."""
        return self.name == BILLING_ZONE or (self.prices_from is not None and self.before is not None)

    def __str__(self) -> str:
        return f"{self.name}: {_in_words(self.before)} -> {_in_words(self.after)}"


def document(rules: Rules) -> RuleDocument:
    """All values of both files; a duration in minutes, prices as text."""
    return policy_document(rules.policy) | _flat("catalog", _catalog(rules.catalog))


def policy_document(policy: Policy) -> dict[str, Any]:
    """The values of the policy's file, as in `document`."""
    values = {name: value for name, value in asdict(replace(policy, earlier=None)).items() if name != "earlier"}
    return _flat("policy", values)


def fingerprint(rule_document: RuleDocument) -> str:
    """16 hexadecimal digits, equal for equal values."""
    return blake2b(orjson.dumps(rule_document, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def versions(rule_document: RuleDocument) -> dict[str, str]:
    """What the log says at the start of both files: version, and a digest that is equal for equal values."""
    found: dict[str, str] = {}
    for file in ("policy", "catalog"):
        own = {name: value for name, value in rule_document.items() if name.startswith(f"{file}.")}
        found |= {file: str(own[f"{file}.version"]), f"{file}_digest": fingerprint(own)}
    return found


def changes(before: RuleDocument, after: RuleDocument) -> tuple[Change, ...]:
    """What differs. A value that an older version did not know yet is no change, but a price list that comes or goes is
    one.
    """
    return (
        *(Change(name, before[name], now) for name, now in after.items() if name in before and before[name] != now),
        *(Change(name, None, after[name]) for name in _lists(after) if name not in before),
        *(Change(name, before[name], None) for name in _lists(before) if name not in after),
    )


def _lists(rule_document: RuleDocument) -> tuple[str, ...]:
    """The dated price lists, each by the name of its version."""
    return tuple(name for name in rule_document if name.startswith(f"{PRICE_LISTS}.") and name.endswith(".version"))


def _catalog(catalog: Catalog) -> dict[str, Any]:
    """As in the file: the first list's prices stand beside what they are for."""
    first, *dated = catalog.price_lists
    editions = {name: {**asdict(row), **first.editions[name]._asdict()} for name, row in catalog.editions.items()}
    features = {name: {**asdict(row), "price": first.features[name]} for name, row in catalog.features.items()}
    lists = {each.valid_from.isoformat(): _price_list(each) for each in dated}
    return {
        "version": first.version,
        "currency": catalog.currency,
        "editions": editions,
        "features": features,
        "price_lists": lists,
    }


def _price_list(prices: PriceList) -> dict[str, Any]:
    return {
        "version": prices.version,
        "editions": {name: price._asdict() for name, price in prices.editions.items()},
        "features": {name: {"price": price} for name, price in prices.features.items()},
    }


def _flat(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {
            key: each for inner, content in value.items() for key, each in _flat(f"{name}.{inner}", content).items()
        }
    return {name: _plain(value)}


def _plain(value: Any) -> Any:
    match value:
        case ZoneInfo():
            return value.key
        case timedelta():
            return value // timedelta(minutes=1)
        case Decimal():
            return str(value)
        case tuple():
            return [_plain(each) for each in value]
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case _:
            return value


def _in_words(value: Any) -> str:
    match value:
        case [] | None:
            return "none"
        case list():
            return ", ".join(map(_in_words, value))
        case Mapping():
            return f"({'; '.join(f'{name} {_in_words(each)}' for name, each in value.items())})"
        case _:
            return str(value)
