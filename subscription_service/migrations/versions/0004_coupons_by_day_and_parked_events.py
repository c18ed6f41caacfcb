"""Expired coupons are not read any more, and an account knows how many of its events are parked without reading them."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE INDEX coupon_usable ON coupon (account_id, valid_until) WHERE used_by IS NULL",
    "DROP INDEX coupon_unused",
    "ALTER TABLE account ADD COLUMN parked bigint NOT NULL DEFAULT 0,"
    " ADD COLUMN parked_bytes bigint NOT NULL DEFAULT 0, ADD COLUMN first_deadline timestamptz",
    "UPDATE account SET parked = w.parked, parked_bytes = w.parked_bytes, first_deadline = w.first_deadline"
    " FROM (SELECT account_id, count(*) AS parked, min(until) AS first_deadline,"
    "  sum(octet_length(value) + coalesce(octet_length(headers), 0)) AS parked_bytes"
    "  FROM waiting WHERE until IS NOT NULL GROUP BY account_id) AS w WHERE w.account_id = account.account_id",
)


def upgrade() -> None:
    """Add what is new, filled in for what is there."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
