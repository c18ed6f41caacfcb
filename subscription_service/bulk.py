"""One statement for many rows: they go to PostgreSQL as one array of a table's row type.

That is many times faster than a statement for each row, and than an array for each column, of which the driver looks
at every element. In the statement stands `unnest(CAST(:rows AS account[])) AS n`, to name one; the rows are tuples of
all its columns, in the table's order.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

Row = tuple[Any, ...]


async def write(connection: AsyncConnection, statement: TextClause, rows: Sequence[Row]) -> None:
    """Nothing where there are no rows."""
    if rows:
        await connection.execute(statement, {"rows": rows})
