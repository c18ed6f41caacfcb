"""One leader a service: whoever holds the advisory lock does the duties; the others stand by.

The lock lives as long as its database session, so a leader that is killed is followed within a second.
The same session listens for what was appended to the log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from shared.outbox.log import CHANNEL
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.retry import growing
from shared.storage.database import session_connection

_STAND_BY_SECONDS = 0.5
_HEALTHY_SECONDS = 30
_TAKE = "SELECT pg_try_advisory_lock(hashtext($1), hashtext('leader'))"

logger = logging.getLogger(__name__)


async def lead(
    duties: Callable[[], Awaitable[None]], *, url: str, schema: str, wake: asyncio.Event, health: Health
) -> None:
    """Try to lead, for ever; while leading, do `duties` again and again. Raises `Alarm` from them."""
    waits = growing()
    while True:
        began = asyncio.get_running_loop().time()
        try:
            async with session_connection(url, schema) as session:
                await _stand_by(session, schema, health)
                await session.add_listener(CHANNEL + schema, lambda *_: wake.set())
                logger.info("leading: publishing the log")
                await _while_connected(session, duties)
        except Transient as away:
            health.trouble("publishing", str(away))
            if asyncio.get_running_loop().time() - began > _HEALTHY_SECONDS:
                waits = growing()
            seconds = next(waits)
            logger.warning("publishing waits %.1f s: %s", seconds, away)
            await asyncio.sleep(seconds)


async def _stand_by(session: asyncpg.Connection, schema: str, health: Health) -> None:
    while not await session.fetchval(_TAKE, schema):
        health.well("publishing")
        await asyncio.sleep(_STAND_BY_SECONDS)


async def _while_connected(session: asyncpg.Connection, duties: Callable[[], Awaitable[None]]) -> None:
    """Leadership ends with the session: the duties are cancelled when it is lost."""
    lost = asyncio.Event()
    session.add_termination_listener(lambda *_: lost.set())
    working = asyncio.ensure_future(duties())
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        raise Transient("the session that held the leadership was lost")
    finally:
        losing.cancel()
        working.cancel()
        await asyncio.gather(working, losing, return_exceptions=True)
