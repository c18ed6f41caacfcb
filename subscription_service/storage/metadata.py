"""What the tables of the subscription service are derived from; their SQLModel classes stand with their entities."""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel


class SubscriptionTable(SQLModel):
    """A table in the service's schema, beside those of `shared.storage.tables`."""

    metadata: ClassVar[MetaData] = MetaData()
