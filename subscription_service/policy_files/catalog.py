"""The catalog file: what each edition counts (R7), the range of each feature (R10), and what they cost from when on
(R50).

Raises `ValueError` where a value is wrong; the sentence names file, table and key.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from shared.contracts.types import Edition, Feature
from shared.runtime.toml_file import read_toml
from subscription_service.domain.policy import Catalog, EditionCounts, FeatureRange, PriceList
from subscription_service.policy_files.price_lists import STRICT, EditionPriceTable, Price, PriceListTable, faults

DEFAULT = Path(__file__).with_name("catalog.toml")


class EditionTable(EditionPriceTable):
    """`[editions.NAME]`: what it counts, and its prices in the first list."""

    counts_servers: bool
    counts_cores: bool

    @model_validator(mode="after")
    def _priced_where_counted(self) -> Self:
        if (self.server_price and not self.counts_servers) or (self.core_price and not self.counts_cores):
            raise ValueError("a price is given for something that the edition does not count")
        return self


class FeatureTable(BaseModel):
    """`[features.NAME]`: what can be ordered, 0 or a multiple of `step` from `minimum` to `maximum` (absent: no end).

    `price` is per `unit` and month, in the first list.
    """

    model_config = STRICT

    unit: Annotated[str, Field(min_length=1)]
    minimum: Annotated[int, Field(ge=0)]
    step: Annotated[int, Field(ge=1)]
    maximum: Annotated[int, Field(ge=0)] | None = None
    price: Price

    @model_validator(mode="after")
    def _quantities_exist(self) -> Self:
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError(f"maximum {self.maximum} is below minimum {self.minimum}")
        if self.minimum % self.step or (self.maximum or 0) % self.step:
            raise ValueError(f"minimum and maximum must be multiples of step {self.step}")
        return self


class CatalogFile(BaseModel):
    """The whole file: every edition and every feature has its table, and nothing else stands in it.

    `version`: of the first list, whose prices stand in those tables.
    """

    model_config = STRICT

    version: Annotated[str, Field(min_length=1)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    editions: dict[Edition, EditionTable]
    features: dict[Feature, FeatureTable]
    price_lists: tuple[PriceListTable, ...] = ()

    @field_validator("editions", "features")
    @classmethod
    def _complete(cls, tables: dict[Edition, Any] | dict[Feature, Any], info: ValidationInfo) -> Any:
        names = Edition if info.field_name == "editions" else Feature
        missing = [name.value for name in names if name not in tables]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return tables

    @field_validator("price_lists")
    @classmethod
    def _in_order_and_whole(cls, lists: tuple[PriceListTable, ...], info: ValidationInfo) -> tuple[PriceListTable, ...]:
        found = list(faults(lists, info.data.get("editions", {}), info.data.get("version", "")))
        if found:
            raise ValueError("; ".join(found))
        return lists

    def catalog(self) -> Catalog:
        """The same as the rules take it."""
        return Catalog(
            currency=self.currency,
            editions={
                name: EditionCounts(counts_servers=row.counts_servers, counts_cores=row.counts_cores)
                for name, row in self.editions.items()
            },
            features={name: FeatureRange(**row.model_dump(exclude={"price"})) for name, row in self.features.items()},
            price_lists=(self._first_list(), *(each.price_list() for each in self.price_lists)),
        )

    def _first_list(self) -> PriceList:
        return PriceList(
            version=self.version,
            valid_from=date.min,
            editions={name: row.price() for name, row in self.editions.items()},
            features={name: row.price for name, row in self.features.items()},
        )


def load_catalog(path: Path = DEFAULT) -> Catalog:
    """Read a catalog file. Raises `ValueError`."""
    return read_toml(CatalogFile, path).catalog()
