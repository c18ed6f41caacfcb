"""Persons can be forgotten: dead letters by their account, and what a blanked waiting event came with."""

from alembic import op

from shared.storage.migrations import DEAD_LETTERS_BY_ACCOUNT

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell the accounts of dead letters that are there, and add the column."""
    for statement in DEAD_LETTERS_BY_ACCOUNT:
        op.execute(statement)
    op.execute("ALTER TABLE waiting ADD COLUMN fingerprint bytea")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
