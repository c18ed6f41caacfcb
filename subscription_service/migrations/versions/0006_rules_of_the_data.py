"""What the data were made with: every policy and catalog, from the first start with this version on."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; the first start fills it."""
    op.execute(
        "CREATE TABLE rule_change ("
        "id bigserial PRIMARY KEY, changed_at timestamptz NOT NULL DEFAULT now(), policy_version text NOT NULL,"
        " catalog_version text NOT NULL, fingerprint text NOT NULL, document jsonb, changes text NOT NULL,"
        " accepted boolean NOT NULL)"
    )


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
