"""Accounts are listed in the order of their E, by state, edition and switches."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, fill them for the accounts of which something is known, and make their index."""
    op.execute("ALTER TABLE account ADD COLUMN list_group text, ADD COLUMN listed_day date")
    op.execute(
        "UPDATE account SET"
        " listed_day = coalesce(CAST(subscription #>> '{terms,-1,expires_on}' AS date), 'infinity'),"
        " list_group = concat_ws('/', coalesce(subscription ->> 'state', 'none'),"
        " CASE subscription ->> 'state' WHEN 'released' THEN 'basic' ELSE coalesce("
        "(SELECT term #>> '{specification,edition}' FROM json_array_elements(subscription -> 'terms')"
        " WITH ORDINALITY AS t (term, place)"
        " WHERE place = 1 OR CAST(term ->> 'starts_at' AS timestamptz) <= decided_at ORDER BY place DESC LIMIT 1),"
        " '-') END,"
        " CASE WHEN (subscription ->> 'auto_renewal') IS NOT NULL THEN 'auto_renewal' END,"
        " CASE WHEN (subscription ->> 'failure') IS NOT NULL THEN 'failing' END,"
        " CASE subscription ->> 'declined' WHEN 'true' THEN 'declined' END)"
        " WHERE revision > 0"
    )
    op.execute("CREATE INDEX account_list ON account (list_group, listed_day, account_id)")


def downgrade() -> None:
    """There is no way back but the backup."""
    raise NotImplementedError("restore a backup instead")
