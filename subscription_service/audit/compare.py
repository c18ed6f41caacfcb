"""The audit: every subscription folded anew from the whole log, every total counted anew, beside what is stored.

Reading only; `tenure audit` calls it. Accounts go by in chunks, each chunk as it stood at one instant, so the service
may go on meanwhile and memory stays bounded. What has a log or rows but no account is a difference too.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE
from shared.contracts.types import ConfigurationKind
from shared.storage.database import Connection, Engine, transaction
from subscription_service.audit.rebuild import Difference, Rebuilt, differences, fold
from subscription_service.domain.model import Account, ServerTotals
from subscription_service.domain.policy import Rules
from subscription_service.storage import rows, views
from subscription_service.storage.store import ACCOUNT_COLUMNS

AT_ONCE: Final = 500

_ACCOUNTS = text(
    f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE account_id > :after"  # noqa: S608 - constants, as all of these
    " ORDER BY account_id LIMIT :limit"
)
_WITHIN = "account_id > :after AND (CAST(:last AS text) IS NULL OR account_id <= :last)"
_LOG = text(
    f"SELECT account_id, value FROM log WHERE topic = '{LIFECYCLE}' AND {_WITHIN}"  # noqa: S608
    " ORDER BY account_id, topic, sequence"
)
_ORDERS = text(f"SELECT {views.ORDER_COLUMNS} FROM order_entry WHERE {_WITHIN}")  # noqa: S608
_BALANCES = text(
    f"SELECT account_id, sum(amount) FROM ledger_entry WHERE {_WITHIN} GROUP BY account_id"  # noqa: S608
)
_LOADS = text(
    "SELECT account_id, count(*), CAST(sum(cores) AS bigint), count(*) FILTER (WHERE bound),"  # noqa: S608
    " CAST(coalesce(sum(cores) FILTER (WHERE bound), 0) AS bigint)"
    f" FROM server WHERE present AND {_WITHIN} GROUP BY account_id"
)
_RETAINED = text(
    f"SELECT account_id, kind, count(*) FROM configuration WHERE present AND {_WITHIN}"  # noqa: S608
    " GROUP BY account_id, kind"
)


@dataclass(slots=True)
class Extent:
    """How much was looked at so far."""

    accounts: int = 0
    events: int = 0


async def audit(engine: Engine, rules: Rules, extent: Extent) -> AsyncIterator[Difference]:
    """Every difference, account by account; `extent` is kept up to date. Raises `Transient`."""
    after: str | None = ""
    while after is not None:
        async with transaction(engine) as connection:
            await views.one_snapshot(connection)
            stored = await _stored(connection, after)
            last = next(reversed(stored)) if len(stored) == AT_ONCE else None
            chunk = _Chunk(connection, after, last)
            for account_id in stored:
                chunk.of(account_id)
            extent.accounts += len(stored)
            extent.events += await chunk.fold_log(rules)
            await chunk.count_rows()
        after = last
        for account_id, rebuilt in chunk.rebuilt.items():
            for difference in differences(stored.get(account_id), rebuilt):
                yield difference


async def _stored(connection: Connection, after: str) -> dict[str, Account]:
    """The next accounts, in the database's order."""
    found = await connection.execute(_ACCOUNTS, {"after": after, "limit": AT_ONCE})
    return {row.account_id: rows.account_of(row) for row in found}


class _Chunk:
    """All that log and rows say of the accounts behind `after` up to `last` (None: to the end)."""

    def __init__(self, connection: Connection, after: str, last: str | None) -> None:
        self.rebuilt: dict[str, Rebuilt] = {}
        self._connection = connection
        self._within = {"after": after, "last": last}

    def of(self, account_id: str) -> Rebuilt:
        """Begun with an empty account."""
        if account_id not in self.rebuilt:
            self.rebuilt[account_id] = Rebuilt(Account(account_id=account_id))
        return self.rebuilt[account_id]

    async def fold_log(self, rules: Rules) -> int:
        """The number of events folded; they come as a stream, since an account's log may be long."""
        count = 0
        async with self._connection.stream(_LOG, self._within) as events:
            async for account_id, value in events:
                fold(self.of(account_id), value, rules)
                count += 1
        return count

    async def count_rows(self) -> None:
        """Balance, registered, bound, retained, order list."""
        for account_id, balance in await self._connection.execute(_BALANCES, self._within):
            self.of(account_id).facts.balance = balance
        for account_id, servers, cores, bound, bound_cores in await self._connection.execute(_LOADS, self._within):
            facts = self.of(account_id).facts
            facts.registered, facts.bound = ServerTotals(servers, cores), ServerTotals(bound, bound_cores)
        for account_id, kind, count in await self._connection.execute(_RETAINED, self._within):
            self.of(account_id).facts.retained[ConfigurationKind(kind)] = count
        for row in await self._connection.execute(_ORDERS, self._within):
            self.of(row.account_id).listed[row.order_id] = views.order_of(row)
