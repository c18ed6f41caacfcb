"""Receipts: what became of records whose sender asked."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        "CREATE TABLE receipt ("
        "receipt_id text NOT NULL, topic text NOT NULL, partition integer NOT NULL, record_offset bigint NOT NULL,"
        " outcome text NOT NULL, detail text NOT NULL, made_at timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (receipt_id, topic, partition, record_offset))"
    )
    op.execute("CREATE INDEX receipt_age ON receipt (made_at)")


def downgrade() -> None:
    """Drop the table; nothing else knows it."""
    op.execute("DROP TABLE receipt")
