"""The columns of accounts stand in the order in which they change, with room on their pages for the next version.

An update that finds room on its page writes to PostgreSQL's log only what lies between its first and its last change.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = (
    "account_id, partition, contact, recipients, facts, waiting, parked, parked_bytes, first_deadline, balance,"
    " list_group, listed_day, next_timer, next_due_at, version, decided_at, revision, changed_at, registered_servers,"
    " registered_cores, bound_servers, bound_cores, subscription"
)
STATEMENTS = (
    "ALTER TABLE account RENAME TO account_before",
    "ALTER INDEX account_pkey RENAME TO account_before_pkey",
    "CREATE TABLE account (account_id text NOT NULL, partition integer NOT NULL, contact json, recipients json,"
    " facts json, waiting bigint NOT NULL DEFAULT 0, parked bigint NOT NULL DEFAULT 0,"
    " parked_bytes bigint NOT NULL DEFAULT 0, first_deadline timestamptz, balance numeric(30, 2) NOT NULL DEFAULT 0,"
    " list_group text, listed_day date, next_timer text, next_due_at timestamptz, version bigint NOT NULL DEFAULT 0,"
    " decided_at timestamptz, revision bigint NOT NULL DEFAULT 0, changed_at timestamptz,"
    " registered_servers bigint NOT NULL DEFAULT 0, registered_cores bigint NOT NULL DEFAULT 0,"
    " bound_servers bigint NOT NULL DEFAULT 0, bound_cores bigint NOT NULL DEFAULT 0, subscription json,"
    " PRIMARY KEY (account_id)) WITH (fillfactor = 85)",
    f"INSERT INTO account ({COLUMNS}) SELECT {COLUMNS} FROM account_before",
    "DROP TABLE account_before",
    "CREATE INDEX account_due ON account (next_due_at) WHERE next_due_at IS NOT NULL",
    "CREATE INDEX account_list ON account (list_group, listed_day, account_id)",
    "ANALYZE account",
)


def upgrade() -> None:
    """Write the table anew."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
