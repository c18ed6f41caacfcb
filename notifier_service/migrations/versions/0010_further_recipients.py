"""Accounts have further recipients, who can unsubscribe from single kinds of email."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE recipient ADD COLUMN further jsonb, ADD COLUMN further_version bigint DEFAULT 0 NOT NULL",
    "CREATE TABLE unsubscription (account_id text NOT NULL, recipient_id text NOT NULL, kind text NOT NULL,"
    " PRIMARY KEY (account_id, recipient_id, kind))",
)


def upgrade() -> None:
    """Add the columns and the table."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
