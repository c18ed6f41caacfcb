"""Subscriptions are counted by state, for the metrics."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and count those that exist."""
    op.execute("CREATE TABLE subscription_count (state text PRIMARY KEY, count bigint NOT NULL)")
    op.execute(
        "INSERT INTO subscription_count (state, count) SELECT subscription ->> 'state', count(*) FROM account"
        " WHERE subscription IS NOT NULL GROUP BY 1"
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
