"""What shortfall a recipient was told last, so that a failed deduction that repeats it is not told again."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE recipient ADD COLUMN told_shortfall NUMERIC(30, 2)")


def downgrade() -> None:
    """Remove the column."""
    op.execute("ALTER TABLE recipient DROP COLUMN told_shortfall")
