"""Keeps an eye on the consumer: its lag, Kafka's own lag displays, and a new one when it has fallen silent.

aiokafka's consumers can fall silent after timeouts: the end moves, the position does not, and nobody complains.
"""

import asyncio
import logging
import time

from shared.kafka.intake import Intake
from shared.runtime.health import Health

_LOOK_SECONDS = 2.0
_JOINING_SECONDS = 0.2
_SILENT_SECONDS = 45.0

logger = logging.getLogger(__name__)


async def watch(intake: Intake, health: Health) -> None:
    """For ever. The broker being away is seen here first when nothing is being published."""
    quiet_since = time.monotonic()
    while True:
        await asyncio.sleep(_LOOK_SECONDS if intake.assigned else _JOINING_SECONDS)
        try:
            async with asyncio.timeout(10):
                lag = await intake.look()
        except Exception as error:  # noqa: BLE001  a look that fails is itself the finding
            _tell(health, "Kafka does not answer" if isinstance(error, TimeoutError) else f"Kafka: {error!r}")
            continue
        if intake.assigned:
            health.mark_ready("lag")
        if intake.assigned and not intake.busy:
            health.mark_ready("consuming")
        if not lag or intake.busy or intake.moved_at > quiet_since:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > _SILENT_SECONDS:
            logger.warning("the consumer is silent with %d records ahead: building a new one", lag)
            await intake.rebuild()
            quiet_since = time.monotonic()


def _tell(health: Health, away: str) -> None:
    if health.unready.get("consuming") != away:
        logger.warning("consuming waits: %s", away)
    health.mark_unready("consuming", away)
    health.mark_unready("lag", f"not known: {away}")
