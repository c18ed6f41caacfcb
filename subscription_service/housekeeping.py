"""Maintenance at start and every ten minutes, in every copy: deletes old rows.

Rows are deleted in steps, each a short transaction, so that neither a statement's limit nor the events of others are in
the way of any number of rows. Copies that do so at once divide the rows among them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from shared.runtime.errors import SlowStatement, Transient
from shared.runtime.waits import WaitLog
from shared.storage.database import Connection, Engine, transaction
from subscription_service.domain.policy import Rules
from subscription_service.log_lines import HOUSEKEEPING_BEHIND, HOUSEKEEPING_SLOW
from subscription_service.storage import deduplication, published, receipts

_INTERVAL_SECONDS: Final = 600.0
_KEPT_STATE_DOCUMENTS: Final = 1000
"""For each partition, after they are published."""

_ROWS_PER_STEP: Final = 20_000
_PAUSE_SECONDS: Final = 0.02
"""Between steps."""

Step: TypeAlias = Callable[[Connection, int], Awaitable[int]]
"""Deletes up to so many rows that are due; returns how many there were."""


class Housekeeping:
    """Deletes old event ids (R39), receipts and published state documents."""

    def __init__(self, *, rules: Rules, engine: Engine) -> None:
        self._policy = rules.policy
        self._engine = engine
        self._waits = WaitLog()

    async def run(self) -> None:
        """Run until cancelled; while the database is away it waits for the next time."""
        while True:
            try:
                await self._delete_old()
            except Transient as away:
                self._waits.waits("housekeeping", str(away))
            else:
                self._waits.goes_on("housekeeping")
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _delete_old(self) -> None:
        forget = partial(deduplication.forget_old, days=self._policy.claim_retention_days)
        await delete_in_steps(self._engine, forget, what="ids of events")
        await delete_in_steps(self._engine, receipts.delete_old, what="receipts")
        published_state = partial(published.delete_published_state, keep=_KEPT_STATE_DOCUMENTS)
        await delete_in_steps(self._engine, published_state, what="published state documents")


async def delete_in_steps(engine: Engine, step: Step, *, what: str, seconds: float = _INTERVAL_SECONDS) -> int:
    """Repeat `step` until nothing is left that is due, at most for `seconds`; returns how many rows were deleted.

    A step that takes too long is tried with half as many rows. What is left after `seconds` is said at warning: more
    comes than can be deleted. Raises `Transient`.
    """
    now, deleted, limit = asyncio.get_running_loop().time, 0, _ROWS_PER_STEP
    until = now() + seconds
    while now() < until:
        try:
            async with transaction(engine) as connection:
                found = await step(connection, limit)
        except SlowStatement:
            limit = max(limit // 2, 1)
            HOUSEKEEPING_SLOW.say(rows=limit)
            continue
        deleted += found
        if found < limit:
            return deleted
        await asyncio.sleep(_PAUSE_SECONDS)
    HOUSEKEEPING_BEHIND.say(deleted=deleted, of=what, seconds=seconds)
    return deleted
