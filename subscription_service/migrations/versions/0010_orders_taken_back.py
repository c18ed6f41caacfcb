"""Orders that were taken back."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Mark the rows of orders that were taken back: until now none was."""
    op.execute("ALTER TABLE order_entry ADD COLUMN cancelled boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
