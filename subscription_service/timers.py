"""What is due by itself: reminders, deductions, term starts, expiry, release, parked orders whose time is over.

A timer is a command like any other and takes the same road (`unit_of_work.catch_up`, `saving.save`).
Before anything runs,
the inputs are read to the ends that they have now, so that an order that was placed in time counts as in time (R4).
Any copy may do it: due accounts are claimed with SKIP LOCKED.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from shared.contracts.topics import LIFECYCLE
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.retry import retry_transient
from shared.storage.database import Connection, transaction
from subscription_service.domain.policy import Rules
from subscription_service.pauses import with_pauses
from subscription_service.storage import store
from subscription_service.storage.saving import save
from subscription_service.unit_of_work import UnitOfWork

_AT_ONCE = 500
_POLL_SECONDS = 0.5
_QUARANTINE_SECONDS = 60

logger = logging.getLogger(__name__)


class Timers:
    """Runs what is due, for ever (`run`), or until nothing is (`settle`)."""

    def __init__(self, rules: Rules, context: ServiceContext) -> None:
        self._rules = rules
        self._clock = context.clock
        self._engine = context.engine
        self._inputs = context.inputs
        self._partitions = context.partitions
        self._health = context.health
        self._quarantine: dict[str, float] = {}

    async def run(self) -> None:
        """For ever; trouble that passes is waited out."""
        while True:
            await retry_transient(self.settle, health=self._health, component="timers")
            await asyncio.sleep(_POLL_SECONDS)

    async def settle(self) -> None:
        """Run all that is due now. Raises `Transient`."""
        while await self._anything_due():
            await self._inputs.wait_until_applied()
            while await self._some(_AT_ONCE):
                pass

    async def _anything_due(self) -> bool:
        async with transaction(self._engine) as connection:
            return await store.any_due(connection, now=await self._clock.now(connection), but=self._quarantined())

    async def _some(self, limit: int) -> bool:
        """Run up to `limit` accounts in one transaction; when one breaks it, each in its own. False: none was due."""
        claimed: list[str] = []
        try:
            async with transaction(self._engine) as connection:
                now = await self._clock.now(connection)
                claimed = await store.claim_due(connection, now=now, but=self._quarantined(), limit=limit)
                if claimed:
                    await self._catch_up(connection, claimed, now)
        except Transient:
            raise
        except Exception:
            logger.exception("the timers of %d accounts failed together; running each alone", len(claimed))
            for account_id in claimed:
                await self._alone(account_id)
        return bool(claimed)

    async def _alone(self, account_id: str) -> None:
        """One account; when it fails it is left out for a minute and said aloud, and the others go on."""
        try:
            async with transaction(self._engine) as connection:
                await self._catch_up(connection, [account_id], await self._clock.now(connection))
        except Transient:
            raise
        except Exception:
            logger.exception("the timers of account %s failed; again in %d s", account_id, _QUARANTINE_SECONDS)
            self._quarantine[account_id] = asyncio.get_running_loop().time() + _QUARANTINE_SECONDS

    async def _catch_up(self, connection: Connection, accounts: Sequence[str], now: datetime) -> None:
        locked = await store.lock(connection, accounts, partitions=self._partitions[LIFECYCLE])
        waiting = [event for each in locked.values() for event, _ in each.waiting]
        await store.load_touched(connection, locked, waiting, whole=True)
        unit_of_work = UnitOfWork(now=now, rules=self._rules, locked=locked, partitions=self._partitions)
        await with_pauses(unit_of_work.catch_up(locked.values()))
        await save(connection, unit_of_work)

    def _quarantined(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._quarantine = {account_id: until for account_id, until in self._quarantine.items() if until > now}
        return list(self._quarantine)
