"""Accounts on which something is due, a timer or what their waiting events ask for: found by `next_due_at`.

What is done about it is `timer_runner`'s business; `accounts` locks and loads.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text

from shared.storage.database import Connection


class Overdue(NamedTuple):
    """Accounts on which something is due, and how many seconds ago the first of it was due."""

    accounts: int
    seconds: float


MAX_OVERDUE: Final = 100_000
_DUE = "SELECT account_id FROM account WHERE next_due_at <= :now AND NOT (account_id = ANY(:but)) ORDER BY next_due_at"
_LOCK_DUE = text(f"{_DUE} LIMIT :limit FOR UPDATE SKIP LOCKED")
ANY_DUE: Final = text(f"{_DUE} LIMIT 1")
"""Without its order PostgreSQL may read all accounts to find that nothing is due."""
_NOW = "coalesce((SELECT now FROM test_clock WHERE CAST(:test_clock AS boolean)), now())"
_OVERDUE = text(
    f"WITH due AS (SELECT next_due_at FROM account WHERE next_due_at <= {_NOW} ORDER BY next_due_at LIMIT :at_most)"
    f" SELECT count(*), coalesce(extract(epoch FROM {_NOW} - min(next_due_at)), 0) FROM due"
)

_DUE_BEFORE = text(
    "SELECT account_id FROM account WHERE next_due_at < :until"
    " AND (:shares = 1 OR abs(hashtext(account_id)) % :shares = :share)"
)


async def due_before(connection: Connection, until: datetime, *, share: int, shares: int) -> list[str]:
    """The ids of all accounts on which something is due before an instant (UTC), in no order; of them one share of so
    many, which are about alike.
    """
    found = await connection.execute(_DUE_BEFORE, {"until": until, "share": share, "shares": shares})
    return list(found.scalars())


async def lock_due(connection: Connection, *, now: datetime, but: Collection[str], limit: int) -> list[str]:
    """Lock up to `limit` accounts for which something is due, except `but` and those that another copy has locked.

    Gives their ids, the longest due first.
    """
    found = await connection.execute(_LOCK_DUE, {"now": now, "but": list(but), "limit": limit})
    return list(found.scalars())


async def any_due(connection: Connection, *, now: datetime, but: Collection[str]) -> bool:
    """Whether something is due for any account except `but`."""
    return (await connection.execute(ANY_DUE, {"now": now, "but": list(but)})).first() is not None


async def overdue(connection: Connection, *, test_clock: bool) -> Overdue:
    """What is due by the service clock and has not run; at most `MAX_OVERDUE` are counted. Locks nothing."""
    arguments = {"test_clock": test_clock, "at_most": MAX_OVERDUE}
    [(number, seconds)] = await connection.execute(_OVERDUE, arguments)
    return Overdue(number, float(seconds))
