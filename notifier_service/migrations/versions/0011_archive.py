"""Messages can be archived, and the inbox shows what the subscription is."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a subscription is shown from its next event on."""
    op.execute("ALTER TABLE message ADD COLUMN archived_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE recipient ADD COLUMN subscription JSONB")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
