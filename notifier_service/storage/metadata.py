"""What the tables of the notifier are derived from; each SQLModel class is in the module of its entity."""

from typing import Annotated, ClassVar, TypeAlias

from sqlalchemy import BigInteger, Identity, MetaData
from sqlmodel import Field, SQLModel

Number: TypeAlias = Annotated[int, Field(sa_type=BigInteger, sa_column_args=[Identity()])]
"""`bigint` that PostgreSQL assigns; rises with every row of an account."""


class NotifierTable(SQLModel):
    """A table in the service's schema, beside those of `shared.storage.tables`."""

    metadata: ClassVar[MetaData] = MetaData()
