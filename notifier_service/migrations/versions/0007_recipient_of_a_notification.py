"""Emails to further recipients: whose an email is."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; NULL is the account's contact, as of all notifications until now."""
    op.execute("ALTER TABLE notification ADD COLUMN recipient_id text")


def downgrade() -> None:
    """Remove the column."""
    op.execute("ALTER TABLE notification DROP COLUMN recipient_id")
