"""A firm of any number of accounts, made by SQL: terms of 1, 3 and 12 months, each begun at another time.

Of a hundred accounts five have nothing but a balance, four are released, three are in grace, eighteen have automatic
renewal switched on and money for it, two have it on and no money, four have declined.
"""

from datetime import date
from typing import Final

import asyncpg

_ROWS: Final = 20_000

_INSERT: Final = """
INSERT INTO account (account_id, partition, version, decided_at, contact, subscription, balance, registered_servers,
    registered_cores, revision, changed_at, next_due_at, next_timer, list_group, listed_day)
SELECT 'firm-' || lpad(n::text, 9, '0'), n % 6, 1, begun,
    json_build_object('name', 'Customer ' || n, 'email', n || '@example.com', 'locale', 'en', 'time_zone', 'UTC'),
    CASE state WHEN 'none' THEN NULL
    WHEN 'released' THEN json_build_object('state', state, 'subscription_id', 'sub-' || n, 'released_at', released)
    ELSE json_strip_nulls(json_build_object('state', state, 'subscription_id', 'sub-' || n,
        'anchor_day', extract(day FROM e), 'terms', json_build_array(json_build_object('order_id', 'order-' || n,
        'starts_at', to_char(begun AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'ends_at', to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'expires_on', e, 'months', months, 'specification', json_build_object('edition', edition,
        'protection_mode', 'full', 'protected_servers', 5, 'cores', 40, 'value_added', '{}'::json))),
        'retained_until', CASE state WHEN 'grace' THEN
            to_char((ends + interval '7 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
        'auto_renewal', CASE WHEN automatic THEN
            json_build_object('cycle_months', months, 'effective_on', first) END,
        'declined', declined)) END,
    CASE WHEN automatic AND n % 100 >= 14 THEN 5000 ELSE 0 END, 4 + n % 2, 16, 1, begun,
    CASE state WHEN 'active' THEN least(
        CASE WHEN automatic THEN (e - 9 + time '08:00') AT TIME ZONE zone END,
        (e - 7 + time '10:00') AT TIME ZONE zone) WHEN 'grace' THEN (e + 7 + time '10:00') AT TIME ZONE zone END,
    CASE state WHEN 'active' THEN CASE WHEN automatic THEN 'deduction' ELSE 'reminder' END
        WHEN 'grace' THEN 'release_due' END,
    concat_ws('/', state, CASE state WHEN 'none' THEN '-' WHEN 'released' THEN 'basic' ELSE edition END,
        CASE WHEN automatic THEN 'auto_renewal' END, CASE WHEN declined THEN 'declined' END),
    CASE WHEN state IN ('active', 'grace') THEN e ELSE 'infinity' END
FROM (
    SELECT *, e - CASE months WHEN 1 THEN 30 WHEN 3 THEN 91 ELSE 365 END AS first,
        (e - CASE months WHEN 1 THEN 30 WHEN 3 THEN 91 ELSE 365 END + time '12:00') AT TIME ZONE zone AS begun,
        (e + 1 + time '00:00') AT TIME ZONE zone AS ends, '2020-01-01T00:00:00Z' AS released
    FROM (
        SELECT n, zone, months, state, state = 'active' AND n % 100 BETWEEN 12 AND 31 AS automatic,
            state = 'active' AND n % 100 BETWEEN 32 AND 35 AS declined,
            (ARRAY['anti-virus', 'advanced', 'enterprise', 'ultimate'])[1 + n / 7 % 4] AS edition,
            CASE state WHEN 'grace' THEN today - 1 - n % 6
                ELSE today + 10 + n % CASE months WHEN 1 THEN 21 WHEN 3 THEN 82 ELSE 356 END END AS e
        FROM (
            SELECT n, CAST($3 AS date) AS today, 'Asia/Shanghai' AS zone, (ARRAY[1, 3, 12])[1 + n / 100 % 3] AS months,
                CASE WHEN n % 100 < 5 THEN 'none' WHEN n % 100 < 9 THEN 'released' WHEN n % 100 < 12 THEN 'grace'
                    ELSE 'active' END AS state
            FROM generate_series(CAST($1 AS int), CAST($2 AS int)) AS n) AS drawn) AS dated) AS firm
"""


async def make_firm(url: str, accounts: int, today: date, *, first: int = 0) -> None:
    """Insert so many accounts into the migrated database, numbered from `first`. `today`: the billing day that their
    terms are around.
    """
    connection = await asyncpg.connect(url, server_settings={"search_path": "subscription"})
    try:
        after = first + accounts
        for number in range(first, after, _ROWS):
            await connection.execute(_INSERT, number, min(number + _ROWS, after) - 1, today)
        await connection.execute("VACUUM ANALYZE account")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
