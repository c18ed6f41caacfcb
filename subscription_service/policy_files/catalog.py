"""The catalog file: what each edition counts and costs (R7), and range and price of each feature (R10).

Raises `ValueError` where a value is wrong; the sentence names file, table and key.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import Catalog, EditionPrice, FeatureRange
from subscription_service.policy_files.toml_file import read_toml

DEFAULT = Path(__file__).with_name("catalog.toml")


def _in_quotes(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError('expected a decimal in quotes, such as "9.5"')
    return value


Price = Annotated[Decimal, BeforeValidator(_in_quotes), Field(ge=0)]
"""A string in the file, since a TOML float is not exact."""
_STRICT = ConfigDict(extra="forbid", frozen=True)


class EditionTable(BaseModel):
    """`[editions.NAME]`; prices per unit and month, in the catalog's currency. What is not counted has no price."""

    model_config = _STRICT

    counts_servers: bool
    counts_cores: bool
    server_price: Price = Decimal(0)
    core_price: Price = Decimal(0)

    @model_validator(mode="after")
    def _priced_where_counted(self) -> Self:
        if (self.server_price and not self.counts_servers) or (self.core_price and not self.counts_cores):
            raise ValueError("a price is given for something that the edition does not count")
        return self


class FeatureTable(BaseModel):
    """`[features.NAME]`: what can be ordered, 0 or a multiple of `step` from `minimum` to `maximum` (absent: no end).

    `price` is per `unit` and month.
    """

    model_config = _STRICT

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
    """The whole file: every edition and every feature has its table, and nothing else stands in it."""

    model_config = _STRICT

    version: Annotated[str, Field(min_length=1)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    editions: dict[Edition, EditionTable]
    features: dict[Feature, FeatureTable]

    @field_validator("editions", "features")
    @classmethod
    def _complete(cls, tables: dict[Edition, Any] | dict[Feature, Any], info: ValidationInfo) -> Any:
        names = Edition if info.field_name == "editions" else Feature
        missing = [name.value for name in names if name not in tables]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return tables

    def catalog(self) -> Catalog:
        """The same as the rules take it."""
        return Catalog(
            version=self.version,
            currency=self.currency,
            editions={name: EditionPrice(**row.model_dump()) for name, row in self.editions.items()},
            features={name: FeatureRange(**row.model_dump()) for name, row in self.features.items()},
        )


def load_catalog(path: Path = DEFAULT) -> Catalog:
    """Read a catalog file. Raises `ValueError`, or `OSError` where it cannot be read."""
    return read_toml(CatalogFile, path).catalog()
