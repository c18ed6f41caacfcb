"""Maintenance at start and every ten minutes, in every copy: deletes kept mails that are older than they may become.

In steps, each a short transaction; copies that do so at once divide the rows among them.
"""

import asyncio
from datetime import timedelta
from typing import Final

from notifier_service.storage import kept_mails
from shared.runtime.errors import Transient
from shared.runtime.waits import WaitLog
from shared.storage.database import Engine, transaction
from shared.testclock.clock import Clock

_INTERVAL_SECONDS: Final = 600.0
_ROWS_PER_STEP: Final = 2_000
_COMPONENT: Final = "housekeeping"


class Housekeeping:
    """`keep_days`: how long mails are kept (`TENURE_KEEP_MAILS_DAYS`); with 0 those of before go too."""

    def __init__(self, engine: Engine, clock: Clock, *, keep_days: int) -> None:
        self._engine = engine
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._waits = WaitLog()

    async def run(self) -> None:
        """Run until cancelled; while the database is away it waits for the next time."""
        while True:
            try:
                await self.delete_old()
            except Transient as away:
                self._waits.waits(_COMPONENT, str(away))
            else:
                self._waits.goes_on(_COMPONENT)
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def delete_old(self) -> int:
        """Delete what has become too old by the service clock; how many mails that were. Raises `Transient`."""
        deleted, found = 0, _ROWS_PER_STEP
        while found == _ROWS_PER_STEP:
            async with transaction(self._engine) as connection:
                before = await self._clock.now(connection) - self._keep
                found = await kept_mails.delete_before(connection, before, _ROWS_PER_STEP)
            deleted += found
        return deleted
