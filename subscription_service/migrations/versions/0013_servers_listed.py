"""An account's servers are listed page by page, also where many more are gone."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index of servers in use anew, with their ids."""
    op.execute("DROP INDEX server_in_use")
    op.execute("CREATE INDEX server_in_use ON server (account_id, server_id) WHERE present OR bound")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
