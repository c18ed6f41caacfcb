"""The audit: every subscription folded anew from its whole log, every total counted anew, compared with what is stored.

Reads only; `tenure audit` calls it. Accounts are read in chunks, each in one snapshot, so that the service may go on
meanwhile and memory stays bounded. A log or rows without an account are a difference too.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.runtime.counts import counted
from shared.storage.database import Connection, Engine, snapshot
from subscription_service.audit.rebuild import Difference, Rebuilt, differences, fold
from subscription_service.domain.model import Account
from subscription_service.domain.policy import Rules
from subscription_service.storage import accounts, configuration, ledger, orders, published, servers
from subscription_service.storage.account_range import AccountRange

ACCOUNTS_PER_CHUNK: Final = 500


@dataclass(slots=True)
class Audited:
    """How many accounts and lifecycle events were compared so far."""

    accounts: int = 0
    events: int = 0

    def __str__(self) -> str:
        return f"{counted(self.accounts, 'account')}, {counted(self.events, 'lifecycle event')}"


async def audit(engine: Engine, rules: Rules, audited: Audited) -> AsyncIterator[Difference]:
    """Every difference, account by account; `audited` is kept up to date. Raises `Transient`."""
    after: str | None = ""
    while after is not None:
        async with snapshot(engine) as connection:
            chunk = await accounts.read_next(connection, after=after, limit=ACCOUNTS_PER_CHUNK)
            stored = {account.account_id: account for account in chunk}
            last = chunk[-1].account_id if len(chunk) == ACCOUNTS_PER_CHUNK else None
            rebuilding = _Rebuilding(connection, AccountRange(after, last), stored)
            audited.accounts += len(stored)
            audited.events += await rebuilding.fold_log(rules)
            await rebuilding.count_rows()
        after = last
        for account_id, rebuilt in rebuilding.accounts.items():
            for difference in differences(stored.get(account_id), rebuilt, rules.catalog):
                yield difference


class _Rebuilding:
    """A range of accounts worked out anew from log and rows; `accounts`: by id, at first empty ones."""

    def __init__(self, connection: Connection, account_range: AccountRange, stored: dict[str, Account]) -> None:
        self.accounts = {account_id: _empty(account_id) for account_id in stored}
        self._connection = connection
        self._range = account_range

    async def fold_log(self, rules: Rules) -> int:
        """Fold all lifecycle events; gives their number."""
        count = 0
        async for account_id, value in published.lifecycle(self._connection, self._range):
            fold(self._of(account_id), value, rules)
            count += 1
        return count

    async def count_rows(self) -> None:
        """Balance, servers, retained configuration and order list, from their rows."""
        connection, account_range = self._connection, self._range
        for account_id, balance in (await ledger.balances(connection, account_range)).items():
            self._of(account_id).totals.balance = balance
        for account_id, (registered, bound) in (await servers.totals(connection, account_range)).items():
            totals = self._of(account_id).totals
            totals.registered, totals.bound = registered, bound
        for (account_id, kind), count in (await configuration.counts(connection, account_range)).items():
            self._of(account_id).totals.retained[kind] = count
        for account_id, entry in await orders.of_range(connection, account_range):
            self._of(account_id).listed[entry.order_id] = entry

    def _of(self, account_id: str) -> Rebuilt:
        if account_id not in self.accounts:
            self.accounts[account_id] = _empty(account_id)
        return self.accounts[account_id]


def _empty(account_id: str) -> Rebuilt:
    return Rebuilt(Account(account_id=account_id))
