"""Whether the database answers HTTP: looked at once per second, so that `/ready` knows without waiting for it."""

import asyncio
from functools import partial
from typing import Final

from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.single_flight import SingleFlight
from shared.storage.database import Engine, ping
from shared.web import limits

COMPONENT: Final = "http"
_PAUSE_SECONDS: Final = 1.0


async def watch_database(engine: Engine, health: Health) -> None:
    """Keep `health` up to date until cancelled. `engine`: the pool that HTTP uses."""
    asking = SingleFlight(partial(ping, engine))
    while True:
        try:
            await asking.result(limits.PAGE_SECONDS)
        except Transient as error:
            health.mark_unready(COMPONENT, str(error))
        except TimeoutError:
            health.mark_unready(COMPONENT, f"PostgreSQL: no answer within {limits.PAGE_SECONDS:.0f} s")
        else:
            health.mark_ready(COMPONENT)
        await asyncio.sleep(_PAUSE_SECONDS)
