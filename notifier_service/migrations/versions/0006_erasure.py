"""Persons can be forgotten: dead letters by their account."""

from alembic import op

from shared.storage.migrations import DEAD_LETTERS_BY_ACCOUNT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell the accounts of dead letters that are there."""
    for statement in DEAD_LETTERS_BY_ACCOUNT:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
