"""Migrations and tables say the same."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlmodel import SQLModel

import notifier_service
from notifier_service.storage import tables
from shared.storage import tables as spine
from shared.storage.database import connect, transaction
from shared.storage.migrations import migrate

SCHEMA = "notifier"


def models(module: Any) -> set[str]:
    made = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, SQLModel)]
    return {str(one.__tablename__) for one in made if hasattr(one, "__table__")}


async def test_the_migrations_make_exactly_the_tables_that_the_code_names(database_url: str) -> None:
    engine = connect(database_url, SCHEMA)
    await migrate(engine, SCHEMA, Path(notifier_service.__file__).parent / "migrations")
    await migrate(engine, SCHEMA, Path(notifier_service.__file__).parent / "migrations")
    async with transaction(engine) as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def differences(connection: Connection) -> list[Any]:
    ours = models(tables) | models(spine)

    def included(thing: Any, name: str | None, type_: str, reflected: bool, other: Any) -> bool:
        table = name if type_ == "table" else thing.table.name
        return table in ours if not reflected else table != "alembic_version"

    options = {"include_object": included, "compare_type": True, "compare_server_default": False}
    context = MigrationContext.configure(connection, opts=options)
    found = compare_metadata(context, SQLModel.metadata)
    return [one for one in found if not is_text(one)]


def is_text(difference: Any) -> bool:
    """`text` in the database stands for the unbounded strings of the tables."""
    return isinstance(difference, list) and all(
        one[0] == "modify_type" and str(one[5]) == "TEXT" and str(one[6]) == "VARCHAR" for one in difference
    )
