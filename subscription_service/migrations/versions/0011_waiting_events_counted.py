"""Waiting events are counted, for the metrics."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and count those that wait."""
    op.execute("CREATE TABLE waiting_count (name text PRIMARY KEY, count bigint NOT NULL)")
    op.execute("INSERT INTO waiting_count (name, count) SELECT 'waiting', count(*) FROM waiting")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
