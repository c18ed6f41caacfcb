"""Emails at which the connection to the relay breaks before it has them: how often, and until when they pause."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no email pauses."""
    op.execute(
        "ALTER TABLE notification ADD COLUMN interruptions bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN paused_until timestamp with time zone"
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
