"""The statements of the bare loops, with the columns as arrays: one statement per table and batch."""

INSERT_POSITIONS = """
INSERT INTO input_offset SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])"""
INSERT_PARTITIONS = """
INSERT INTO output_partition (topic, partition) SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING"""
INSERT_RELAY_POSITIONS = "INSERT INTO relay_position (topic, partition) SELECT topic, partition FROM output_partition"
MOVE_POSITIONS = """
UPDATE input_offset o SET next_offset = n.next FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
 AS n (topic, partition, expected, next)
 WHERE o.topic = n.topic AND o.partition = n.partition AND o.next_offset = n.expected"""
RECORD_EVENT_IDS = """
WITH given AS MATERIALIZED (SELECT * FROM unnest($1::bytea[]) AS n (key)),
 known AS MATERIALIZED (SELECT key FROM given JOIN event_claim USING (key)),
 added AS (INSERT INTO event_claim (key) SELECT key FROM given WHERE key NOT IN (SELECT key FROM known))
 SELECT key FROM known"""
RECORD_BUSINESS_KEYS = """
WITH given AS MATERIALIZED (SELECT 'order' AS kind, * FROM unnest($1::text[], $2::bytea[]) AS n (id, fingerprint)),
 known AS MATERIALIZED (SELECT kind, id FROM given JOIN id_claim USING (kind, id)),
 added AS (INSERT INTO id_claim SELECT * FROM given WHERE (kind, id) NOT IN (SELECT kind, id FROM known))
 SELECT kind, id FROM known"""
RECORD_EVENT_IDS_2026_11 = """
INSERT INTO event_claim (key) SELECT * FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING RETURNING key"""
RECORD_BUSINESS_KEYS_2026_11 = """
INSERT INTO id_claim SELECT 'order', * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING RETURNING id"""
LOCK_ACCOUNTS = """
SELECT account_id, partition FROM account WHERE account_id = ANY($1::text[]) ORDER BY account_id FOR UPDATE"""
INSERT_ACCOUNTS = """
INSERT INTO account (account_id, partition) SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING"""
UPDATE_ACCOUNTS = """
UPDATE account a SET version = a.version + (n.subscription IS NOT NULL)::int, decided_at = now(),
 contact = coalesce(n.contact::json, a.contact), subscription = coalesce(n.subscription::json, a.subscription),
 balance = 0, registered_servers = 1, registered_cores = 4, bound_servers = 0, bound_cores = 0,
 revision = a.revision + 1, changed_at = now(), waiting = 0,
 next_due_at = CASE WHEN n.subscription IS NULL THEN a.next_due_at ELSE now() + interval '30 days' END,
 next_timer = CASE WHEN n.subscription IS NULL THEN a.next_timer ELSE 'expiry' END,
 list_group = CASE WHEN n.subscription IS NULL THEN a.list_group ELSE 'active/ultimate' END,
 listed_day = CASE WHEN n.subscription IS NULL THEN a.listed_day ELSE current_date + a.revision::int END
 FROM unnest($1::text[], $2::text[], $3::text[]) AS n (account_id, contact, subscription)
 WHERE a.account_id = n.account_id"""
UPDATE_ACCOUNTS_2026_11 = """
UPDATE account a SET version = a.version + 1, decided_at = now(), contact = coalesce(n.contact::json, a.contact),
 subscription = coalesce(n.subscription::json, a.subscription), balance = 0, registered_servers = 1,
 registered_cores = 4, bound_servers = 0, bound_cores = 0, revision = a.revision + 1, changed_at = now(),
 next_due_at = now() + interval '30 days', next_timer = 'expiry', waiting = 0
 FROM unnest($1::text[], $2::text[], $3::text[]) AS n (account_id, contact, subscription)
 WHERE a.account_id = n.account_id"""
UPDATE_SERVERS = """
UPDATE server s SET present = true, cores = 4, bound = false, marks = $3 FROM unnest($1::text[], $2::text[])
 AS n (account_id, server_id) WHERE s.account_id = n.account_id AND s.server_id = n.server_id
 RETURNING s.account_id, s.server_id"""
INSERT_SERVERS = """
INSERT INTO server SELECT *, true, 4, false, $3::text FROM unnest($1::text[], $2::text[])"""
UPSERT_SERVERS_2026_11 = """
INSERT INTO server SELECT *, true, 4, false, $3::text FROM unnest($1::text[], $2::text[])
 ON CONFLICT (account_id, server_id) DO UPDATE SET present = excluded.present, cores = excluded.cores,
 bound = excluded.bound, marks = excluded.marks"""
INSERT_ORDERS = """
INSERT INTO order_entry SELECT order_id, account_id, 'renewal', now(), now(), now(), 1, $3::jsonb, 9.50, false,
 '2026-11' FROM unnest($1::text[], $2::text[]) AS n (order_id, account_id) ON CONFLICT DO NOTHING"""
COUNT_EVENTS = """
INSERT INTO tally SELECT topic, 'applied', count FROM unnest($1::text[], $2::bigint[]) AS n (topic, count)
 ON CONFLICT (topic, outcome) DO UPDATE SET count = tally.count + excluded.count"""
COUNT_SUBSCRIPTIONS = """
INSERT INTO subscription_count VALUES ('active', $1)
 ON CONFLICT (state) DO UPDATE SET count = subscription_count.count + excluded.count"""
LOCK_SEQUENCES = """
SELECT topic, partition, next_sequence FROM output_partition
 WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[])) ORDER BY topic, partition FOR UPDATE"""
RAISE_SEQUENCES = """
UPDATE output_partition o SET next_sequence = n.next FROM unnest($1::text[], $2::int[], $3::bigint[])
 AS n (topic, partition, next) WHERE o.topic = n.topic AND o.partition = n.partition"""
UNPUBLISHED = """
SELECT log.* FROM unnest($1::text[], $2::int[], $3::bigint[]) AS done (topic, partition, sequence)
 CROSS JOIN LATERAL (SELECT topic, partition, sequence, key, value, headers FROM log WHERE log.topic = done.topic
  AND log.partition = done.partition AND log.sequence > done.sequence ORDER BY log.sequence LIMIT 4000) AS log"""
SAVE_PUBLISHED = """
UPDATE relay_position r SET published = n.published FROM unnest($1::text[], $2::int[], $3::bigint[])
 AS n (topic, partition, published) WHERE r.topic = n.topic AND r.partition = n.partition"""
TABLES_2026_11 = (
    "ALTER TABLE account RENAME TO account_now",
    "CREATE TABLE account (account_id text NOT NULL, partition integer NOT NULL, version bigint NOT NULL DEFAULT 0,"
    " decided_at timestamptz, contact json, subscription json, balance numeric(20, 2) NOT NULL DEFAULT 0,"
    " registered_servers bigint NOT NULL DEFAULT 0, registered_cores bigint NOT NULL DEFAULT 0,"
    " bound_servers bigint NOT NULL DEFAULT 0, bound_cores bigint NOT NULL DEFAULT 0, facts json,"
    " revision bigint NOT NULL DEFAULT 0, changed_at timestamptz, next_due_at timestamptz, next_timer text,"
    " waiting bigint NOT NULL DEFAULT 0, PRIMARY KEY (account_id))",
    "INSERT INTO account SELECT account_id, partition, version, decided_at, contact, subscription, balance,"
    " registered_servers, registered_cores, bound_servers, bound_cores, facts, revision, changed_at, next_due_at,"
    " next_timer, waiting FROM account_now",
    "CREATE INDEX account_due_2026_11 ON account (next_due_at) WHERE next_due_at IS NOT NULL",
    "DROP TABLE account_now",
    "DROP INDEX server_in_use, server_gone, server_bound_ahead",
    "UPDATE server SET marks = $1",
    "VACUUM FULL server",
    "VACUUM ANALYZE account",
    "CHECKPOINT",
)
"""Make accounts and servers what they were; `$1`: the stamps of every server."""
