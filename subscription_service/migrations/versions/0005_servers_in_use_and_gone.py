"""Servers that are gone are never loaded with the others, and deleted by and by: an index for either kind."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.execute("CREATE INDEX server_in_use ON server (account_id) WHERE present OR bound")
    op.execute("CREATE INDEX server_gone ON server (account_id) WHERE NOT (present OR bound)")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX server_in_use")
    op.execute("DROP INDEX server_gone")
