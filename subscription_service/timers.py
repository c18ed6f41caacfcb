"""What is due by itself: reminders, deductions, term starts, expiry, release, parked orders whose time is over.

A timer is a command like any other and takes the same road (`work.catch_up`, `saving.save`). Before anything runs,
the inputs are read to the ends that they have now, so that an order that was placed in time counts as in time (R4).
Any copy may do it: due accounts are claimed with SKIP LOCKED.
"""

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import Clock
from shared.database import transaction
from shared.errors import Transient
from shared.health import Health
from shared.inputs import Inputs
from shared.waits import until_done
from subscription_service import store
from subscription_service.domain.policy import Rules
from subscription_service.saving import save
from subscription_service.work import Held, Work

_AT_ONCE = 500
_POLL_SECONDS = 0.5
_QUARANTINE_SECONDS = 60

logger = logging.getLogger(__name__)


class Timers:
    """Runs what is due, for ever (`run`), or until nothing is (`settle`)."""

    def __init__(
        self,
        *,
        rules: Rules,
        clock: Clock,
        engine: AsyncEngine,
        inputs: Inputs,
        partitions: Mapping[str, int],
        health: Health,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._engine = engine
        self._inputs = inputs
        self._partitions = partitions
        self._health = health
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

    async def _some(self, limit: int) -> int:
        """Claim and run up to `limit` accounts in one transaction; when one breaks it, one at a time."""
        try:
            async with transaction(self._engine) as connection:
                return len(await self._take(connection, limit))
        except Transient:
            raise
        except Exception:
            if limit > 1:
                return await self._one_by_one()
            raise

    async def _one_by_one(self) -> int:
        """Let the culprit stand alone: its account is left out for a minute and said aloud; the others go on."""
        done = 0
        while True:
            account_id = ""
            try:
                async with transaction(self._engine) as connection:
                    held = await self._claim(connection, 1)
                    if not held:
                        return done
                    account_id = next(iter(held))
                    await self._catch_up(connection, held)
                    done += 1
            except Transient:
                raise
            except Exception:
                logger.exception("the timers of account %s failed; again in %d s", account_id, _QUARANTINE_SECONDS)
                self._quarantine[account_id] = asyncio.get_running_loop().time() + _QUARANTINE_SECONDS

    async def _take(self, connection: AsyncConnection, limit: int) -> Mapping[str, Held]:
        held = await self._claim(connection, limit)
        if held:
            await self._catch_up(connection, held)
        return held

    async def _claim(self, connection: AsyncConnection, limit: int) -> dict[str, Held]:
        now = await self._clock.now(connection)
        return await store.lock_due(connection, now=now, but=self._quarantined(), limit=limit)

    async def _catch_up(self, connection: AsyncConnection, held: Mapping[str, Held]) -> None:
        now = await self._clock.now(connection)
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
