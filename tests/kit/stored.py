"""Everything that a database holds, as text: to look for what must not be there."""

from collections.abc import Mapping

from sqlalchemy import text

from shared.storage.database import Connection

_COLUMNS = text(
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1, ordinal_position"
)


async def found_in(connection: Connection, *words: str) -> list[str]:
    """`table.column` of every value in the connection's schema that has one of these ASCII words, in any case."""
    places = []
    for table, columns in (await _tables(connection)).items():
        for column, expression in columns.items():
            found = await connection.execute(text(f'SELECT {expression} AS value FROM "{table}"'))
            values = [str(value).casefold() for value in found.scalars()]
            places += [f"{table}.{column}" for value in values if any(word.casefold() in value for word in words)]
    return places


async def _tables(connection: Connection) -> Mapping[str, Mapping[str, str]]:
    """Table -> column -> what gives its value as text; bytes with their ASCII characters as they are."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in await connection.execute(_COLUMNS):
        as_text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'CAST("{column}" AS text)'
        tables.setdefault(table, {})[column] = as_text
    return tables
