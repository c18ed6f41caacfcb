"""Mails are kept as they were sent, and can be sent once more."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and which notification is a resend of which; none is, until now."""
    op.execute("ALTER TABLE notification ADD COLUMN resend_of text, ADD COLUMN operator text")
    op.execute("CREATE INDEX notification_resent ON notification (resend_of) WHERE resend_of IS NOT NULL")
    op.execute(
        "CREATE TABLE kept_mail (notification_id text NOT NULL, account_id text NOT NULL,"
        " kept_at TIMESTAMP WITH TIME ZONE NOT NULL, content BYTEA NOT NULL, event BYTEA NOT NULL,"
        " PRIMARY KEY (notification_id))"
    )
    op.execute("CREATE INDEX kept_mail_account ON kept_mail (account_id)")
    op.execute("CREATE INDEX kept_mail_age ON kept_mail (kept_at)")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
