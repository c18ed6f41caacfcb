"""What the policy in force has followed, and whether every account is timed by it."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both to the one row; a copy of the version before writes it as done."""
    op.execute("ALTER TABLE applied_policy ADD COLUMN earlier json, ADD COLUMN is_done boolean NOT NULL DEFAULT true")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
