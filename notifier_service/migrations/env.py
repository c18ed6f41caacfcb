"""Alembic's entry: runs in the connection that `shared.storage.migrations` hands over."""

from alembic import context

configuration = context.config
context.configure(
    connection=configuration.attributes["connection"],
    version_table_schema=configuration.attributes["schema"],
    transactional_ddl=False,
)
context.run_migrations()
