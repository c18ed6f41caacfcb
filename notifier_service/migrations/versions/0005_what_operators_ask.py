"""What operators ask of a notification: the event's time, a refusal's code, and the masked recipient."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; they are not known of notifications that were decided before."""
    op.execute(
        "ALTER TABLE notification ADD COLUMN event_time timestamp with time zone,"
        " ADD COLUMN code text, ADD COLUMN recipient text"
    )


def downgrade() -> None:
    """Remove the columns."""
    op.execute("ALTER TABLE notification DROP COLUMN event_time, DROP COLUMN code, DROP COLUMN recipient")
