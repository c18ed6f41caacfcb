"""What is due by itself: reminders, deductions, term starts, expiry, release, parked orders whose time is over.

A timer is a command like any other and takes the same road (`work.catch_up`, `saving.save`). Before anything runs,
the inputs are read to the ends that they have now, so that an order that was placed in time counts as in time (R4).
Any copy may do it: due accounts are claimed with SKIP LOCKED.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import transaction
from shared.errors import Transient
from shared.spine import Base
from shared.topics import LIFECYCLE
from shared.waits import until_done
from subscription_service import store
from subscription_service.domain.policy import Rules
from subscription_service.saving import save
from subscription_service.work import Work

_AT_ONCE = 500
_POLL_SECONDS = 0.5
_QUARANTINE_SECONDS = 60

logger = logging.getLogger(__name__)


class Timers:
    """Runs what is due, for ever (`run`), or until nothing is (`settle`)."""

    def __init__(self, rules: Rules, base: Base) -> None:
        self._rules = rules
        self._clock = base.clock
        self._engine = base.engine
        self._inputs = base.inputs
        self._partitions = base.partitions
        self._health = base.health
        self._quarantine: dict[str, float] = {}

    async def run(self) -> None:
        """For ever; trouble that passes is waited out."""
        while True:
            await until_done(self.settle, health=self._health, part="timers")
            await asyncio.sleep(_POLL_SECONDS)

    async def settle(self) -> None:
        """Run all that is due now. Raises `Transient`."""
        while await self._anything_due():
            await self._inputs.read_to_their_ends()
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

    async def _catch_up(self, connection: AsyncConnection, accounts: Sequence[str], now: datetime) -> None:
        held = await store.lock(connection, accounts, partitions=self._partitions[LIFECYCLE])
        waiting = [event for each in held.values() for event in each.waiting]
        await store.load_touched(connection, held, waiting, whole=True)
        work = Work(now=now, rules=self._rules, held=held, partitions=self._partitions)
        for each in held.values():
            work.catch_up(each)
        await save(connection, work)

    def _quarantined(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._quarantine = {account_id: until for account_id, until in self._quarantine.items() if until > now}
        return list(self._quarantine)
