"""Running one service, from the settings to a clean stop: what both services have in common.

HTTP is served first, so that `/ready` can tell what is missing; then database and topics are prepared; then everything
else runs. `run` ends on SIGINT or SIGTERM, or with an `Alarm`, which a person must look at.
"""

import asyncio
import logging
import signal
from collections.abc import Mapping
from functools import partial
from typing import Final

from shared.contracts.topics import TEST_CLOCK, TOPICS, read_by, written_by
from shared.kafka import topics
from shared.kafka.input_topics import InputTopics
from shared.kafka.intake import build_intake
from shared.outbox import log
from shared.outbox.leader import lead
from shared.outbox.relay import Relay
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.errors import Alarm
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient
from shared.runtime.settings import Settings, schema_name
from shared.runtime.tasks import run_until_one_ends
from shared.storage.database import connect, transaction
from shared.storage.migrations import migrate
from shared.testclock.barrier import Barrier, settled_partition
from shared.testclock.clock import SystemClock, TestClock
from shared.web.server import serve

HEALTH_COMPONENTS: Final = ("database", "topics", "consuming", "lag", "publishing")
_DRAIN_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


async def run(service: Service, settings: Settings) -> None:
    """Run until SIGINT, SIGTERM or cancellation. Raises `Alarm`, and `BadSettings` for settings that cannot work."""
    context = build_context(service, settings)
    if settings.test_clock is not None:
        logger.warning("THE TEST CLOCK IS ON: time stands still and moves only by events on %s", TEST_CLOCK)
    try:
        components = service.build(context)
        await run_until_one_ends(
            _wait_for_stop_signal,
            partial(serve, components.http, settings),
            partial(_work, service, context, components),
        )
    except Alarm as alarm:
        logger.critical("%s", alarm)
        raise
    finally:
        await context.engine.dispose()


def build_context(service: Service, settings: Settings) -> ServiceContext:
    """What the service is built from; connects to nothing yet."""
    schema = schema_name(service.name, settings)
    engine = connect(settings.database_url.get_secret_value(), schema)
    upstream = [topic for topic in read_by(service.name) if not TOPICS[topic].test_clock_only]
    return ServiceContext(
        name=service.name,
        settings=settings,
        schema=schema,
        engine=engine,
        health=Health(*HEALTH_COMPONENTS, *service.health_components),
        clock=SystemClock() if settings.test_clock is None else TestClock(),
        inputs=InputTopics(upstream, settings=settings, engine=engine),
    )


async def _wait_for_stop_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def _work(service: Service, context: ServiceContext, components: ServiceComponents) -> None:
    """Prepare, then run everything but HTTP until cancelled; an operation that fails ends them all."""
    await _prepare(service, context)
    intake = build_intake(
        context,
        components.batch_processor,
        group=f"tenure-{service.name}",
        topics=[topic.name for topic in topics.wanted(list(read_by(service.name)), context.settings)],
    )
    try:
        await intake.start()
        await run_until_one_ends(intake.run, partial(_lead, context, components), *components.tasks)
    finally:
        await intake.stop(_DRAIN_SECONDS)


async def _prepare(service: Service, context: ServiceContext) -> None:
    """Make tables and topics, then fill `context.partitions`; wait for whatever is away. Raises `Alarm`."""
    settings, health = context.settings, context.health
    names = [*read_by(service.name), *written_by(service.name)]
    url = settings.database_url.get_secret_value()
    await retry_transient(lambda: migrate(url, context.schema, service.migrations), health=health, component="database")
    counts = await retry_transient(lambda: topics.ensure(names, settings), health=health, component="topics")
    await retry_transient(lambda: _prepare_log(service, context, counts), health=health, component="database")
    context.partitions.fill(counts)


async def _prepare_log(service: Service, context: ServiceContext, counts: Mapping[str, int]) -> None:
    """Fix the partitions that this service writes and, with the test clock on, start that clock."""
    own = [topic for topic in written_by(service.name) if not TOPICS[topic].test_clock_only]
    async with transaction(context.engine) as connection:
        await log.fix_partitions(connection, {topic: counts[topic] for topic in own})
        if context.settings.test_clock is not None:
            await log.fix_own_partition(connection, *settled_partition(service.name, counts))
            await TestClock.start(connection, context.settings.test_clock)


async def _lead(context: ServiceContext, components: ServiceComponents) -> None:
    """Publish the log, and with the test clock on run its barrier, whenever this process is the leader."""
    wake = asyncio.Event()
    relay = Relay(context, wake=wake)
    barrier = Barrier(context, relay=relay, settle_due=components.settle_due)

    duties = [relay.run] if context.settings.test_clock is None else [relay.run, barrier.run]
    await lead(context, duties, wake=wake)
