"""A statement that runs with every batch, on the driver's own connection.

SQLAlchemy's way to the driver takes more than twice as long as PostgreSQL's answer, for each statement; one event alone
leads to more than a dozen. The transaction is the same (`database.transaction`), so both ways can be mixed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.storage.database import Connection, driver

_NAME: Final = re.compile(r"(?<![:\w]):(\w+)")


class Statement:
    """SQL with parameters by name (`:name`), which the driver takes by number."""

    def __init__(self, sql: str) -> None:
        self._names = tuple(dict.fromkeys(_NAME.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAME.sub(lambda found: numbers[found[1]], sql)

    async def fetch(self, connection: Connection, arguments: Mapping[str, object]) -> Sequence[Any]:
        """Execute; the rows that it returns, as sequences of their columns."""
        found: Sequence[Any] = await driver(connection).fetch(self._sql, *self._values(arguments))
        return found

    async def run(self, connection: Connection, arguments: Mapping[str, object]) -> int:
        """Execute; the number of rows that it wrote."""
        status: str = await driver(connection).execute(self._sql, *self._values(arguments))
        return int(status.rpartition(" ")[2])

    def _values(self, arguments: Mapping[str, object]) -> Sequence[object]:
        return [arguments[name] for name in self._names]
