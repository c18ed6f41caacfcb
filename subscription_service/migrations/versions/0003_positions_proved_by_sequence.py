"""Stored positions know the sequence of the last record before them."""

from alembic import op

from shared.storage.migrations import POSITIONS_PROVED_BY_SEQUENCE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; they are not known for positions that were stored before."""
    for statement in POSITIONS_PROVED_BY_SEQUENCE:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
