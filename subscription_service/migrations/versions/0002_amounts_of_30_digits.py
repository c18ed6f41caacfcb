"""Amounts that a decision makes have up to 30 digits. PostgreSQL changes the type without rewriting the tables."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = (
    ("account", "balance"),
    ("coupon", "amount_off"),
    ("coupon", "minimum_spend"),
    ("ledger_entry", "amount"),
    ("order_entry", "fee"),
)


def upgrade() -> None:
    """Widen the columns."""
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE NUMERIC(30, 2)")


def downgrade() -> None:
    """A balance may no longer fit."""
    raise NotImplementedError("restore a backup instead")
