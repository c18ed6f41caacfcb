"""One statement for many rows: every column goes to PostgreSQL as one array, which `unnest` turns into rows.

That is many times faster than a statement per row. The SQLModel class says which type each column has; a statement is
rendered once, when its module is imported. For modules in `storage/` and `shared/outbox` only.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from sqlmodel import SQLModel

from shared.storage.columns import Selection, is_json, keys_of, literal_of, names_of, table_of, type_of
from shared.storage.database import Connection
from shared.storage.statement import Statement

Row: TypeAlias = Mapping[str, object]
"""Column name -> value as the driver takes it; a json document is its text (`str`)."""


class Bulk:
    """A statement that reads rows from arrays; most are made by `insert`, `upsert`, `update` and `delete` below.

    In `statement`, `{rows}` stands for the rows as a table named `n`, `{names}` for their names, and `{columns}` for
    what `reads` selects. `names` are columns of the model, all of them where none is given; `also` gives further names
    in the rows the type of one of its columns (new name -> column). Raises `KeyError` for an unknown column.
    """

    def __init__(
        self,
        model: type[SQLModel],
        statement: str,
        names: Sequence[str] = (),
        *,
        also: Mapping[str, str] | None = None,
        reads: Selection | None = None,
    ) -> None:
        sources = {name: name for name in names or names_of(model)} | dict(also or {})
        self._names = tuple(sources)
        self._literals = {name: write for name, column in sources.items() if (write := literal_of(model, column))}
        self._reads = reads
        self.sql = statement.format(
            rows=_rows(model, sources), names=", ".join(sources), columns=reads.sql if reads else ""
        )
        self._statement = Statement(self.sql)

    async def run(self, connection: Connection, rows: Sequence[Row], **arguments: object) -> int:
        """Execute; the number of rows written. Without rows nothing is executed.

        Every row has exactly the names of the statement. `arguments` are its other parameters.
        Raises `ValueError` or `KeyError` where a row has other names.
        """
        return await self._statement.run(connection, self._arguments(rows) | arguments) if rows else 0

    async def fetch(self, connection: Connection, rows: Sequence[Row], **arguments: object) -> Sequence[Any]:
        """Execute as `run` does; the rows that the statement returns, by the names of `reads` where that is given."""
        if not rows:
            return ()
        found = await self._statement.fetch(connection, self._arguments(rows) | arguments)
        return list(self._reads.rows(found)) if self._reads else found

    def _arguments(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Each column as one array."""
        if len(rows[0]) != len(self._names):
            raise ValueError(f"a row has {sorted(rows[0])}, the statement {sorted(self._names)}")
        arrays: dict[str, Any] = {name: [row[name] for row in rows] for name in self._names}
        for name, write in self._literals.items():
            arrays[name] = write(arrays[name])
        return arrays


def insert(
    model: type[SQLModel], names: Sequence[str] = (), *, or_ignore: bool = False, returning: Selection | None = None
) -> Bulk:
    """INSERT; with `or_ignore`, rows whose key is there already are left out, and `returning` shows the others."""
    conflict = " ON CONFLICT DO NOTHING" if or_ignore else ""
    shown = " RETURNING {columns}" if returning else ""
    return Bulk(model, _insert_into(model) + conflict + shown, names, reads=returning)


def insert_new(model: type[SQLModel], names: Sequence[str] = ()) -> Bulk:
    """INSERT of the rows whose key is not there yet, in their order; it returns the keys of the others, mostly none.

    A key that another transaction inserts at the same moment breaks the primary key. `ON CONFLICT` would not, but it
    has every row written to PostgreSQL's log twice: that it is there, and that it stays.
    """
    table, keys = table_of(model).name, ", ".join(keys_of(model))
    return Bulk(
        model,
        "WITH given AS MATERIALIZED (SELECT * FROM {rows}),"
        f" known AS MATERIALIZED (SELECT {keys} FROM given JOIN {table} USING ({keys})),"
        f" added AS (INSERT INTO {table} ({{names}}) SELECT {{names}} FROM given"
        f" WHERE ({keys}) NOT IN (SELECT {keys} FROM known)) SELECT {keys} FROM known",
        names,
    )


def upsert(model: type[SQLModel], names: Sequence[str] = (), *, add: Collection[str] = ()) -> Bulk:
    """INSERT, or by primary key set the other columns; those in `add` are added to what the row has."""
    table, keys = table_of(model).name, keys_of(model)
    values = [name for name in names or names_of(model) if name not in keys]
    changed = ", ".join(
        f"{name} = {table}.{name} + excluded.{name}" if name in add else f"{name} = excluded.{name}" for name in values
    )
    return Bulk(model, f"{_insert_into(model)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}", names)


def update(
    model: type[SQLModel], names: Sequence[str] = (), *, keep_if_null: Collection[str] = (), only_if: str = ""
) -> Bulk:
    """UPDATE by primary key; in columns of `keep_if_null` a NULL leaves the stored value as it is.

    `only_if` is one more condition, over the table (by its name) and the rows (`n`).
    """
    table, keys = table_of(model).name, keys_of(model)
    values = [name for name in names or names_of(model) if name not in keys]
    changed = ", ".join(
        f"{name} = coalesce(n.{name}, {table}.{name})" if name in keep_if_null else f"{name} = n.{name}"
        for name in values
    )
    condition = f" AND {only_if}" if only_if else ""
    return Bulk(model, f"UPDATE {table} SET {changed} FROM {{rows}} WHERE {_same(table, keys)}{condition}", names)


def delete(model: type[SQLModel], keys: Sequence[str]) -> Bulk:
    """DELETE of rows by the columns `keys`."""
    table = table_of(model).name
    return Bulk(model, f"DELETE FROM {table} USING {{rows}} WHERE {_same(table, keys)}", keys)


def _rows(model: type[SQLModel], sources: Mapping[str, str]) -> str:
    """The rows as a table `n`; json goes in as text and is cast afterwards, since Python would encode its arrays."""
    documents = {name for name, column in sources.items() if is_json(model, column)}
    arrays = ", ".join(_array(model, name, column) for name, column in sources.items())
    rows = f"unnest({arrays}) AS n ({', '.join(sources)})"
    if not documents:
        return rows
    casts = {name: f"CAST({name} AS {type_of(model, sources[name])}) AS {name}" for name in documents}
    return f"(SELECT {', '.join(casts.get(name, name) for name in sources)} FROM {rows}) AS n"


def _array(model: type[SQLModel], name: str, column: str) -> str:
    """One column's parameter. The driver examines every element of a list; an array as one text costs a fraction."""
    array = f"{'text' if is_json(model, column) else type_of(model, column)}[]"
    parameter = f"CAST(:{name} AS text)" if literal_of(model, column) else f":{name}"
    return f"CAST({parameter} AS {array})"


def _insert_into(model: type[SQLModel]) -> str:
    return f"INSERT INTO {table_of(model).name} ({{names}}) SELECT {{names}} FROM {{rows}}"


def _same(table: str, keys: Sequence[str]) -> str:
    return " AND ".join(f"{table}.{key} = n.{key}" for key in keys)
