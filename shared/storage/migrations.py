"""Migrations at start, under a lock, so that any number of copies may start at once.

Migrations make and change the tables; the SQLModel classes describe them (`shared.storage.alembic_scripts`).
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from shared.runtime.errors import Alarm
from shared.storage.database import Connection, Engine, connect, transaction

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:schema), hashtext('migrations'))")
_IS_NEW = text("SELECT to_regclass('alembic_version') IS NULL")
_VERSION = text("SELECT max(version_num) FROM alembic_version")


async def migrate(url: str, schema: str, scripts: Path) -> None:
    """Bring `schema` up to date, all or nothing, however long it takes.

    Raises `Transient`, and `Alarm` for a schema that a newer version has made.
    """
    engine = connect(url, schema, pool_size=1, statement_seconds=None)
    try:
        async with transaction(engine) as connection:
            await connection.execute(_LOCK, {"schema": schema})
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            version, known = await _version(connection), _known(scripts)
            if version is not None and version not in known:
                raise Alarm(
                    f"The schema {schema} has the revision {version}, and this version knows none after {known[-1]}:"
                    " a newer version was started on this database. Start that one, or restore a backup from before it."
                )
            if version != known[-1]:
                await _upgrade(connection, scripts)
    finally:
        await engine.dispose()


async def revision_of(engine: Engine) -> str | None:
    """The last migration that the database has had. Raises `Transient`."""
    async with transaction(engine) as connection:
        return await _version(connection)


async def _upgrade(connection: Connection, scripts: Path) -> None:
    # Alembic takes a tenth of the time in which a service starts, and a restart finds the tables up to date.
    from shared.storage import alembic_scripts  # noqa: PLC0415

    await connection.run_sync(alembic_scripts.upgrade, scripts)


async def _version(connection: Connection) -> str | None:
    if (await connection.execute(_IS_NEW)).scalar_one():
        return None
    version: str | None = (await connection.execute(_VERSION)).scalar_one()
    return version


def _known(scripts: Path) -> Sequence[str]:
    """All revisions: the name of a migration's file begins with its own, and they follow each other in that order."""
    return sorted(file.stem.partition("_")[0] for file in (scripts / "versions").glob("[0-9]*.py"))


FIRST_SHARED_TABLES = (
    "CREATE TABLE clock_advance (id SERIAL NOT NULL, advance_id text NOT NULL, now TIMESTAMP WITH "
    "TIME ZONE NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE input_offset (topic text NOT NULL, partition INTEGER NOT NULL, next_offset BIGINT "
    "NOT NULL, PRIMARY KEY (topic, partition))",
    "CREATE TABLE log (topic text NOT NULL, partition INTEGER NOT NULL, sequence BIGINT NOT NULL, key "
    "BYTEA, value BYTEA, headers BYTEA, account_id text, PRIMARY KEY (topic, partition, sequence))",
    "CREATE INDEX log_account ON log (account_id, topic, sequence) WHERE topic = 'subscription-lifecycle'",
    "CREATE TABLE output_partition (topic text NOT NULL, partition INTEGER NOT NULL, next_sequence "
    "BIGINT DEFAULT 1 NOT NULL, PRIMARY KEY (topic, partition))",
    "CREATE TABLE relay_position (topic text NOT NULL, partition INTEGER NOT NULL, published BIGINT "
    "DEFAULT 0 NOT NULL, PRIMARY KEY (topic, partition))",
    "CREATE TABLE tally (topic text NOT NULL, outcome text NOT NULL, count BIGINT NOT NULL, PRIMARY "
    "KEY (topic, outcome))",
    "CREATE TABLE test_clock (now TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (now))",
)
"""The tables of `shared.storage.tables` as both services first made them; later changes are migrations of their own."""

_DEAD_LETTERS = "topic IN ('dead-letters', 'notification-dead-letters')"
DEAD_LETTERS_BY_ACCOUNT = (
    # What cannot be read names no account: a function, since only that can go on after an error.
    "CREATE FUNCTION named_account(key bytea, value bytea, headers bytea) RETURNS text LANGUAGE plpgsql AS $$"
    " DECLARE document json; received json; BEGIN"
    " BEGIN document := convert_from(value, 'UTF8')::json; EXCEPTION WHEN OTHERS THEN document := NULL; END;"
    " BEGIN received := convert_from(headers, 'UTF8')::json; EXCEPTION WHEN OTHERS THEN received := NULL; END;"
    " RETURN coalesce((SELECT h ->> 1 FROM json_array_elements(received) AS h WHERE h ->> 0 = 'ce_subject' LIMIT 1),"
    "  document ->> 'subject', document -> 'data' ->> 'account_id', document ->> 'account_id',"
    "  convert_from(key, 'UTF8'));"
    " EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$",
    "UPDATE log SET account_id = named.account_id FROM (SELECT topic, partition, sequence,"
    f"  named_account(key, value, headers) AS account_id FROM log WHERE {_DEAD_LETTERS}) AS named"
    " WHERE (log.topic, log.partition, log.sequence) = (named.topic, named.partition, named.sequence)"
    "  AND named.account_id ~ '^[A-Za-z0-9._:-]{1,128}$'",
    "DROP FUNCTION named_account(bytea, bytea, bytea)",
    f"CREATE INDEX log_dead_letter ON log (account_id, topic, partition, sequence) WHERE {_DEAD_LETTERS}",
)
"""Dead letters know the account that they name, as far as they name one: they are emptied with it (R48)."""

POSITIONS_PROVED_BY_SEQUENCE = (
    "ALTER TABLE input_offset ADD COLUMN sequence BIGINT",
    "ALTER TABLE input_offset ADD COLUMN gap_from BIGINT",
)
"""What a stored position knows of the last record before it (docs/decisions/0011)."""
