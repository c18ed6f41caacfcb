"""Of many coupons with the same minimum spend only the first are read, by an index in the order in which they are tried."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE INDEX coupon_ends ON coupon (account_id, minimum_spend, valid_until, coupon_id text_pattern_ops)"
    " WHERE used_by IS NULL",
    "CREATE INDEX coupon_begins ON coupon (account_id, minimum_spend, valid_from, valid_until) WHERE used_by IS NULL",
    "DROP INDEX coupon_usable",
)


def upgrade() -> None:
    """Add the indexes; what the one of before was for, these can do."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
