"""One statement for many rows: each column goes to PostgreSQL as one array, under its name.

That is many times faster than a statement for each row. The columns are named, never "all of the table's", so that a
newer copy may add one while older copies run.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from shared.storage.database import Connection

Row = tuple[Any, ...]


class Bulk:
    """`columns` in the order of the rows' values: name -> PostgreSQL's type.

    In the statement `{columns}` stands for their names, and `{rows}` for the rows, named `n`.
    """

    def __init__(self, statement: str, **columns: str) -> None:
        self._names = tuple(columns)
        names = ", ".join(columns)
        arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
        self._statement = text(statement.format(columns=names, rows=f"unnest({arrays}) AS n ({names})"))

    async def run(self, connection: Connection, rows: Sequence[Row]) -> Any:
        """What the statement gives back; None, and nothing done, where there are no rows."""
        if not rows:
            return None
        return await connection.execute(self._statement, dict(zip(self._names, zip(*rows, strict=True), strict=True)))
