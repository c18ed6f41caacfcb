"""One leader per service: the process that holds the advisory lock runs the duties; the other copies stand by.

The lock lives as long as its database session. That ends at once with a process that is killed, and within
`SESSION_SECONDS` with one that hangs (`shared.storage.session`), so that another copy publishes. What the hanging one
still sends when it wakes is refused by the broker: the new leader's producer has the same transactional id. The same
session listens for what was appended to the log.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.outbox.log import CHANNEL
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.log_lines import LEADS
from shared.runtime.retry import backoff_delays
from shared.runtime.tasks import Operation, run_until_one_ends
from shared.storage.session import Session, session_connection

_STAND_BY_SECONDS: Final = 0.5
_HEALTHY_SECONDS: Final = 30
"""After so long a leadership the delays begin again at the shortest."""
_TAKE: Final = "SELECT pg_try_advisory_lock(hashtext($1), hashtext('leader'))"


async def lead(context: ServiceContext, duties: Sequence[Operation], *, wake: asyncio.Event) -> None:
    """Try to lead, without end; while leading, run all `duties`. Raises `Alarm` from them.

    `wake` is set whenever something was appended to the log.
    """
    url, schema, health = context.settings.database_url.get_secret_value(), context.schema, context.health
    delays = backoff_delays()
    while True:
        began = asyncio.get_running_loop().time()
        try:
            async with session_connection(url, schema) as session:
                await _stand_by(session, schema, health)
                await session.listen(CHANNEL + schema, lambda _: wake.set())
                LEADS.say()
                await run_until_one_ends(session.keep, *duties)
        except Transient as error:
            health.mark_unready("publishing", str(error))
            if asyncio.get_running_loop().time() - began > _HEALTHY_SECONDS:
                delays = backoff_delays()
            await asyncio.sleep(next(delays))


async def _stand_by(session: Session, schema: str, health: Health) -> None:
    """Wait until the lock is ours."""
    while not await session.fetchval(_TAKE, schema):
        health.mark_ready("publishing")
        await asyncio.sleep(_STAND_BY_SECONDS)
