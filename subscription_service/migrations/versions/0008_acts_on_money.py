"""Debits and revoked coupons, with operator and reason."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the ledger who did it and why, and make the table of revocations."""
    op.execute("ALTER TABLE ledger_entry ADD COLUMN operator text, ADD COLUMN reason text")
    op.execute(
        "CREATE TABLE coupon_revocation (account_id text NOT NULL, coupon_id text NOT NULL, operator text NOT NULL,"
        " reason text NOT NULL, at TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (account_id, coupon_id))"
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
