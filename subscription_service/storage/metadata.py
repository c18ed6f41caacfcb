"""What the tables of the subscription service are derived from; their SQLModel classes stand with their entities."""

from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias

from sqlalchemy import MetaData, Numeric
from sqlmodel import Field, SQLModel

Amount: TypeAlias = Annotated[Decimal, Field(sa_type=Numeric(30, 2))]
"""Money in the catalog's currency."""
OptionalAmount: TypeAlias = Annotated[Decimal | None, Field(sa_type=Numeric(30, 2))]


class SubscriptionTable(SQLModel):
    """A table in the service's schema, beside those of `shared.storage.tables`."""

    metadata: ClassVar[MetaData] = MetaData()
