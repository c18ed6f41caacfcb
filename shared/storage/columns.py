"""Columns of a table, as its SQLModel class describes them: names, PostgreSQL types, and how they are read.

The SQLModel class is the one description of a table. Statements name the columns that they write and read (never `*`),
so that a newer copy of a service may add a column while older copies run. For modules in `storage/` only.
"""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Integer, Numeric, Table, Text
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from shared.contracts.envelope import to_json

_named_tuple: Callable[[str, tuple[str, ...]], Any] = namedtuple  # names that are known at run time only
_LAST_DAY: Final = f'"{date.max}"'
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a SQLModel class with `table=True`."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def names_of(model: type[SQLModel], *, without: Collection[str] = ()) -> tuple[str, ...]:
    """The names of the table's columns in the order of the class, except `without`."""
    return tuple(name for name in table_of(model).columns.keys() if name not in without)  # noqa: SIM118


def keys_of(model: type[SQLModel]) -> tuple[str, ...]:
    """The names of the primary key's columns."""
    return tuple(column.name for column in table_of(model).primary_key)


def type_of(model: type[SQLModel], name: str) -> str:
    """The PostgreSQL type of a column, for example `NUMERIC(30, 2)`. Raises `KeyError` for an unknown name."""
    return table_of(model).columns[name].type.compile(_POSTGRESQL)


def is_json(model: type[SQLModel], name: str) -> bool:
    """Whether the column is `json` or `jsonb`. Raises `KeyError` for an unknown name."""
    column: Column[Any] = table_of(model).columns[name]
    return isinstance(column.type, JSON)


def literal_of(model: type[SQLModel], name: str) -> Callable[[Sequence[Any]], str] | None:
    """How the column's values are written as a PostgreSQL array, in text; None where the driver has to encode them.

    It encodes bytes. A document is text as our own encoders write it, without a control character. Raises `KeyError`
    for an unknown name.
    """
    column: Column[Any] = table_of(model).columns[name]
    match column.type:
        case Date():
            return _days
        case Integer() | Boolean() | Numeric() | DateTime() | JSON():
            return _as_written
        case Text():
            return _texts
    return None


def _as_written(values: Sequence[Any]) -> str:
    """A JSON array is one of PostgreSQL's but for its brackets, and for control characters: its null is NULL, and both
    put a backslash before a quotation mark and a backslash.
    """
    return f"{{{to_json(values)[1:-1].decode()}}}"


def _days(values: Sequence[date | None]) -> str:
    """The last day is infinity, as the driver writes and reads it."""
    return _as_written(values).replace(_LAST_DAY, '"infinity"')


def _texts(values: Sequence[str | None]) -> str:
    written = _as_written(values)
    return f"{{{','.join(map(_quoted, values))}}}" if "\\" in written else written


def _quoted(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Selection:
    """The columns of a SELECT, all of the model's where none is named, and its rows by name.

    `sql` stands after SELECT. A `json` or `jsonb` column is read as its text, to be decoded once by its contract.
    """

    def __init__(self, model: type[SQLModel], *names: str) -> None:
        self.names = names or names_of(model)
        self.sql = ", ".join(f"CAST({each} AS text) AS {each}" if is_json(model, each) else each for each in self.names)
        # `_make` of the class would cost one more call in Python for each row.
        self._make_row = partial(tuple.__new__, _named_tuple("Row", self.names))

    def rows(self, found: Iterable[Any]) -> Iterator[Any]:
        """Named tuples of what was found; an attribute of them costs a tenth of one of SQLAlchemy's rows."""
        return map(self._make_row, found)
