"""What is bound before it is registered counts against the quota: an index that finds it."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; few servers stand in it."""
    op.execute("CREATE INDEX server_bound_ahead ON server (account_id) WHERE bound AND NOT present")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX server_bound_ahead")
