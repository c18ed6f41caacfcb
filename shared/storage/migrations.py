"""Alembic at start, under a lock, so that any number of copies may start at once."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from shared.storage.database import Engine, transaction

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:schema), hashtext('migrations'))")

logger = logging.getLogger(__name__)


async def migrate(engine: Engine, schema: str, scripts: Path) -> None:
    """Bring `schema` up to date, all or nothing. Raises `Transient`."""
    async with transaction(engine) as connection:
        await connection.execute(_LOCK, {"schema": schema})
        await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        await connection.run_sync(_upgrade, schema, scripts)


def _upgrade(connection: Connection, schema: str, scripts: Path) -> None:
    command.upgrade(config(connection, schema, scripts), "head")


def config(connection: Connection, schema: str, scripts: Path) -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(scripts))
    made.attributes["connection"] = connection
    made.attributes["schema"] = schema
    return made


SPINE = (
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
