"""The first tables of the subscription service."""

from alembic import op

from shared.storage.migrations import FIRST_SHARED_TABLES

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE TABLE account (account_id text NOT NULL, partition INTEGER NOT NULL, version BIGINT "
    "DEFAULT 0 NOT NULL, decided_at TIMESTAMP WITH TIME ZONE, contact JSON, subscription JSON, "
    "balance NUMERIC(20, 2) DEFAULT 0 NOT NULL, registered_servers BIGINT DEFAULT 0 NOT NULL, "
    "registered_cores BIGINT DEFAULT 0 NOT NULL, bound_servers BIGINT DEFAULT 0 NOT NULL, bound_cores "
    "BIGINT DEFAULT 0 NOT NULL, facts JSON, revision BIGINT DEFAULT 0 NOT NULL, changed_at TIMESTAMP "
    "WITH TIME ZONE, next_due_at TIMESTAMP WITH TIME ZONE, next_timer text, waiting BIGINT DEFAULT 0 NOT NULL, "
    "PRIMARY KEY (account_id))",
    "CREATE INDEX account_due ON account (next_due_at) WHERE next_due_at IS NOT NULL",
    "CREATE TABLE configuration (account_id text NOT NULL, kind text NOT NULL, key text NOT NULL, "
    "value JSONB, present BOOLEAN NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (account_id, kind, key))",
    "CREATE TABLE coupon (coupon_id text NOT NULL, account_id text NOT NULL, amount_off NUMERIC(20, "
    "2), percent_off INTEGER, minimum_spend NUMERIC(20, 2) NOT NULL, valid_from DATE NOT NULL, "
    "valid_until DATE NOT NULL, used_by text, PRIMARY KEY (coupon_id))",
    "CREATE INDEX coupon_unused ON coupon (account_id) WHERE used_by IS NULL",
    "CREATE TABLE event_claim (key BYTEA NOT NULL, claimed_at TIMESTAMP WITH TIME ZONE DEFAULT now() "
    "NOT NULL, PRIMARY KEY (key))",
    "CREATE INDEX event_claim_age ON event_claim USING brin (claimed_at)",
    "CREATE TABLE id_claim (kind text NOT NULL, id text NOT NULL, fingerprint BYTEA NOT NULL, PRIMARY KEY (kind, id))",
    "CREATE TABLE ledger_entry (kind text NOT NULL, entry_id text NOT NULL, account_id text NOT NULL, "
    "amount NUMERIC(20, 2) NOT NULL, at TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY (kind, "
    "entry_id))",
    "CREATE INDEX ledger_account ON ledger_entry (account_id)",
    "CREATE TABLE order_entry (order_id text NOT NULL, account_id text NOT NULL, type text NOT NULL, "
    "placed_at TIMESTAMP WITH TIME ZONE NOT NULL, starts_at TIMESTAMP WITH TIME ZONE, ends_at "
    "TIMESTAMP WITH TIME ZONE, months INTEGER, specification JSONB, fee NUMERIC(20, 2), rejected "
    "BOOLEAN NOT NULL, catalog_version text NOT NULL, PRIMARY KEY (order_id))",
    "CREATE INDEX order_account ON order_entry (account_id, placed_at)",
    "CREATE TABLE server (account_id text NOT NULL, server_id text NOT NULL, present BOOLEAN NOT "
    "NULL, cores BIGINT NOT NULL, bound BOOLEAN NOT NULL, marks TEXT NOT NULL, PRIMARY KEY "
    "(account_id, server_id))",
    "CREATE TABLE waiting (id BIGSERIAL NOT NULL, account_id text NOT NULL, until TIMESTAMP WITH TIME "
    "ZONE, topic text NOT NULL, broker_topic text NOT NULL, partition INTEGER NOT NULL, record_offset "
    "BIGINT NOT NULL, key BYTEA, value BYTEA NOT NULL, headers BYTEA, PRIMARY KEY (id))",
    "CREATE TABLE applied_policy (fingerprint text NOT NULL, PRIMARY KEY (fingerprint))",
    "CREATE INDEX waiting_account ON waiting (account_id, id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in (*FIRST_SHARED_TABLES, *STATEMENTS):
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first."""
    raise NotImplementedError("drop the schema instead")
