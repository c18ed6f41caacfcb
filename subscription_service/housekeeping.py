"""Maintenance at start and every ten minutes, in every copy: deletes old rows; after a new policy sets timers anew."""

import asyncio
import logging
from hashlib import blake2b
from typing import Final

from shared.runtime.errors import Transient
from shared.storage.database import Engine, transaction
from subscription_service.domain.policy import Rules
from subscription_service.domain.timers import next_timer
from subscription_service.storage import accounts, applied_policy, deduplication, published

_INTERVAL_SECONDS: Final = 600.0
_ACCOUNTS_PER_TRANSACTION: Final = 1000
_KEPT_STATE_DOCUMENTS: Final = 1000
"""For each partition, after they are published."""

logger = logging.getLogger(__name__)


class Housekeeping:
    """Deletes old event ids (R39) and published state documents; works out every account's next timer anew."""

    def __init__(self, *, rules: Rules, engine: Engine) -> None:
        self._policy = rules.policy
        self._engine = engine

    async def run(self) -> None:
        """Run until cancelled; while the database is away it waits for the next time."""
        while True:
            try:
                await self._retime()
                await self._delete_old()
            except Transient as away:
                logger.info("housekeeping waits: %s", away)
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _delete_old(self) -> None:
        async with transaction(self._engine) as connection:
            await deduplication.forget_old(connection, days=self._policy.claim_retention_days)
            await published.delete_published_state(connection, keep=_KEPT_STATE_DOCUMENTS)

    async def _retime(self) -> None:
        """Work out every next timer by this policy, unless that was done already."""
        fingerprint = blake2b(repr(self._policy).encode(), digest_size=16).hexdigest()
        async with transaction(self._engine) as connection:
            if await applied_policy.read(connection) == fingerprint:
                return
        after: str | None = ""
        while after is not None:
            after = await self._retime_next(after)
        async with transaction(self._engine) as connection:
            await applied_policy.replace(connection, fingerprint)

    async def _retime_next(self, after: str) -> str | None:
        """The accounts after an id, up to 1000; gives the last one's id, None where there are no more."""
        async with transaction(self._engine) as connection:
            locked = await accounts.lock_next(connection, after=after, limit=_ACCOUNTS_PER_TRANSACTION)
            timers = {account.account_id: next_timer(account, self._policy) for account in locked}
            await accounts.retime(connection, timers)
        return locked[-1].account_id if len(locked) == _ACCOUNTS_PER_TRANSACTION else None
