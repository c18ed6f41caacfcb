"""Reads the catalog file. `catalog.toml` beside this module is the default; `TENURE_CATALOG_FILE` names another.

Only `app` calls this, at the start. A wrong value is a `ValueError` whose sentence names file and field.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import Catalog, EditionPrice, FeatureRange
from subscription_service.policy_files import data_files

DEFAULT = Path(__file__).with_name("catalog.toml")


def _exact(value: object) -> object:
    if not isinstance(value, str | Decimal):
        raise ValueError('expected a decimal in quotes, such as "9.5"')
    return value


Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class EditionRow(BaseModel):
    """One edition; what it does not count has no price."""

    model_config = _STRICT

    counts_servers: bool
    counts_cores: bool
    server_price: Price = Decimal(0)
    core_price: Price = Decimal(0)

    @model_validator(mode="after")
    def _priced_where_counted(self) -> Self:
        if (self.server_price and not self.counts_servers) or (self.core_price and not self.counts_cores):
            raise ValueError("a price stands where nothing is counted")
        return self


class FeatureRow(BaseModel):
    """One value-added feature."""

    model_config = _STRICT

    unit: Annotated[str, Field(min_length=1)]
    minimum: Annotated[int, Field(ge=0)]
    step: Annotated[int, Field(ge=1)]
    maximum: Annotated[int, Field(ge=0)] | None = None
    price: Price


class CatalogFile(BaseModel):
    """The file's shape: every edition and every feature, and nothing else."""

    model_config = _STRICT

    version: Annotated[str, Field(min_length=1)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    editions: dict[Edition, EditionRow]
    features: dict[Feature, FeatureRow]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [edition.value for edition in Edition if edition not in self.editions]
        missing += [feature.value for feature in Feature if feature not in self.features]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return self

    def catalog(self) -> Catalog:
        return Catalog(
            version=self.version,
            currency=self.currency,
            editions={name: EditionPrice(**row.model_dump()) for name, row in self.editions.items()},
            features={name: FeatureRange(**row.model_dump()) for name, row in self.features.items()},
        )


def load_catalog(path: Path = DEFAULT) -> Catalog:
    """The catalog in force. Raises `ValueError`, or `OSError` where the file cannot be read."""
    return data_files.read(CatalogFile, path).catalog()
