"""Of the events that wait for a purchase, only those whose wait is over are read when it is."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index by which they are found."""
    op.execute("CREATE INDEX waiting_until ON waiting (account_id, until)")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
