"""Accounts have further recipients."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; NULL: there are none."""
    op.execute("ALTER TABLE account ADD COLUMN recipients json")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
