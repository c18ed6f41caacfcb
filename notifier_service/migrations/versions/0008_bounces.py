"""Mail that comes back: what is known of it, and the addresses to which none is sent any more."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and the list; nothing is known of emails that were sent before."""
    op.execute(
        "ALTER TABLE notification ADD COLUMN bounce text, ADD COLUMN bounce_detail text, ADD COLUMN address_hash text"
    )
    op.execute(
        "CREATE INDEX notification_address ON notification (address_hash, number) WHERE address_hash IS NOT NULL"
    )
    op.execute(
        "CREATE TABLE suppression (address_hash text NOT NULL, reason text NOT NULL,"
        " since TIMESTAMP WITH TIME ZONE NOT NULL, notification_id text, PRIMARY KEY (address_hash))"
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
