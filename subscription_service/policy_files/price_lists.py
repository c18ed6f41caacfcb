"""The dated price lists of the catalog file, `[[price_lists]]` (R50), and what is wrong with them as a whole.

The prices in the tables of editions and features are the first list: it holds from the beginning. Each dated list names
every price anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import EditionPrice, PriceList


def _in_quotes(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError('expected a decimal in quotes, such as "9.5"')
    return value


def _day(value: object) -> date:
    """A day of TOML, or one in quotes; pydantic alone would take numbers and instants too."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"expected a day such as 2027-01-01, not {str(value)!r}") from None


Price = Annotated[Decimal, BeforeValidator(_in_quotes), Field(ge=0)]
"""A string in the file, since a TOML float is not exact."""

STRICT = ConfigDict(extra="forbid", frozen=True)


class EditionPriceTable(BaseModel):
    """Prices of an edition per unit and month, in the catalog's currency. What is not counted has no price."""

    model_config = STRICT

    server_price: Price = Decimal(0)
    core_price: Price = Decimal(0)

    def price(self) -> EditionPrice:
        """The same as the rules take it."""
        return EditionPrice(self.server_price, self.core_price)


class Counted(Protocol):
    """What an edition counts, beside its prices in the first list."""

    counts_servers: bool
    counts_cores: bool
    model_fields_set: set[str]


class PriceListTable(BaseModel):
    """A row of `[[price_lists]]`: what everything costs from 00:00 of the billing day `valid_from` on.

    An edition that counts nothing may be left out.
    """

    model_config = STRICT

    version: Annotated[str, Field(min_length=1)]
    valid_from: Annotated[date, BeforeValidator(_day)]
    editions: dict[Edition, EditionPriceTable]
    features: dict[Feature, Price]

    def price_list(self) -> PriceList:
        """The same as the rules take it."""
        editions = {name: self.editions.get(name, EditionPriceTable()).price() for name in Edition}
        return PriceList(version=self.version, valid_from=self.valid_from, editions=editions, features=self.features)


def faults(lists: Sequence[PriceListTable], editions: Mapping[Edition, Counted], version: str) -> Iterator[str]:
    """Everything that is wrong with dated lists, each in a sentence. `editions`, `version`: of the first list."""
    if lists:
        yield from (f"{fault}, before {lists[0].valid_from}" for fault in _price_faults(editions.get, editions))
    for each in lists:
        yield from (f"{fault}, from {each.valid_from} on" for fault in _price_faults(each.editions.get, editions))
        missing = [name.value for name in Feature if name not in each.features]
        if missing:
            yield f"no price of {', '.join(missing)}, from {each.valid_from} on"
    yield from _disorder(lists)
    yield from _repeated_versions([version, *(each.version for each in lists)])


def _price_faults(
    prices: Callable[[Edition], BaseModel | Counted | None], editions: Mapping[Edition, Counted]
) -> Iterator[str]:
    """Prices that are missing, and those of what is not counted."""
    for name, counted in editions.items():
        given = prices(name)
        named = set() if given is None else given.model_fields_set
        for price, counts in (("server_price", counted.counts_servers), ("core_price", counted.counts_cores)):
            if counts and price not in named:
                yield f"no {price} of {name}"
            elif not counts and price in named and getattr(given, price):
                yield f"a {price} of {name}, which does not count it"


def _disorder(lists: Sequence[PriceListTable]) -> Iterator[str]:
    for one, other in pairwise(lists):
        if other.valid_from == one.valid_from:
            yield f"two lists from {one.valid_from} on"
        elif other.valid_from < one.valid_from:
            yield f"the list from {other.valid_from} on stands after that from {one.valid_from} on"


def _repeated_versions(versions: Sequence[str]) -> Iterator[str]:
    for version in dict.fromkeys(versions):
        if versions.count(version) > 1:
            yield f"two lists have the version {version!r}, by which orders name theirs"
