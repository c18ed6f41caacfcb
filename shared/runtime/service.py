"""Running one service: what both have in common, from the settings to a clean stop.

HTTP comes first, so that `/ready` can say what is awaited; then the database, the topics, and everything that runs.
`run` ends on SIGINT or SIGTERM, or on an `Alarm`, which a person must look at.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from shared.contracts.topics import TEST_CLOCK, TEST_CLOCK_SETTLED
from shared.kafka import topics
from shared.kafka.client import broker as make_broker
from shared.kafka.inputs import Inputs
from shared.kafka.intake import Intake
from shared.kafka.watchdog import watch
from shared.outbox import log
from shared.outbox.leader import lead
from shared.outbox.relay import Relay
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.retry import until_done
from shared.runtime.settings import BadSettings, Settings
from shared.storage.database import connect, transaction
from shared.storage.migrations import migrate
from shared.testclock.barrier import Barrier, own_place
from shared.testclock.clock import SystemClock, TestClock

VERSION = version("tenure")

_DRAIN_SECONDS = 10.0

logger = logging.getLogger(__name__)


def schema_of(service: str, settings: Settings) -> str:
    """Each service keeps to its own schema."""
    return settings.database_schema or service


def _upstream(service: Service) -> list[str]:
    """What it reads besides the clock's own topics."""
    return [topic for topic in service.reads if topic not in (TEST_CLOCK, TEST_CLOCK_SETTLED)]


async def run(service: Service, settings: Settings) -> None:
    """Until told to stop. Raises `Alarm`, and `BadSettings` for what is known once it runs: port, certificates."""
    schema = schema_of(service.name, settings)
    engine = connect(settings.database_url.get_secret_value(), schema)
    context = ServiceContext(
        settings=settings,
        engine=engine,
        health=Health("database", "topics", "consuming", "lag", "publishing", *service.awaited),
        clock=SystemClock() if settings.test_clock is None else TestClock(),
        inputs=Inputs(_upstream(service), settings=settings, engine=engine),
    )
    if settings.test_clock is not None:
        logger.warning("THE TEST CLOCK IS ON: time stands still and moves only by events on %s", TEST_CLOCK)
    server = _server(service.http(context), settings)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        await _first({"stop": stopping.wait(), "http": _serve(server), "work": _work(service, context, schema)})
    finally:
        await engine.dispose()


async def _work(service: Service, context: ServiceContext, schema: str) -> None:
    """Prepare, then run all parts until cancelled; a part that fails ends them all."""
    context = await _prepare(service, context, schema)
    components = service.components(context)
    wanted = [topic.name for topic in topics.wanted(service.reads, context.settings)]
    intake = Intake(
        wanted,
        settings=context.settings,
        engine=context.engine,
        batch_processor=components.batch_processor,
        health=context.health,
    )
    broker = make_broker(context.settings)
    intake.subscribe(broker, f"tenure-{service.name}")
    try:
        await until_done(lambda: _started(broker), health=context.health, part="consuming")
        await _first(
            {
                "alarm": intake.alarmed(),
                "intake": intake.run(),
                "watch": watch(intake, context.health),
                "lead": _lead(service, context, schema, components),
                **{f"task {number}": task() for number, task in enumerate(components.tasks)},
            }
        )
    finally:
        await intake.drained(_DRAIN_SECONDS)
        await broker.stop()
        if components.stop:
            await components.stop()


async def _prepare(service: Service, context: ServiceContext, schema: str) -> ServiceContext:
    """Schema, topics, partition counts, clock: waits for whatever is away."""
    settings, health = context.settings, context.health
    await until_done(lambda: migrate(context.engine, schema, service.migrations), health=health, part="database")
    names = [*service.reads, *service.writes]
    counts = await until_done(lambda: topics.ensure(names, settings), health=health, part="topics")

    async def fix() -> None:
        async with transaction(context.engine) as connection:
            own = [topic for topic in service.writes if topic in counts and topic != TEST_CLOCK_SETTLED]
            await log.fix_partitions(connection, {topic: counts[topic] for topic in own})
            if settings.test_clock is not None:
                await log.fix_own_partition(connection, *own_place(service.name, counts))
                await TestClock.start(connection, settings.test_clock)

    await until_done(fix, health=health, part="database")
    return ServiceContext(
        settings=settings,
        engine=context.engine,
        health=health,
        clock=context.clock,
        inputs=context.inputs,
        partitions=counts,
    )


async def _lead(service: Service, context: ServiceContext, schema: str, components: ServiceComponents) -> None:
    wake = asyncio.Event()
    relay = Relay(service.name, settings=context.settings, engine=context.engine, wake=wake, health=context.health)
    barrier = Barrier(service.name, context=context, relay=relay, settle=components.settle)

    async def duties() -> None:
        doing = {"relay": relay.run()}
        await _first(doing if context.settings.test_clock is None else {**doing, "barrier": barrier.run()})

    url = context.settings.database_url.get_secret_value()
    await lead(duties, url=url, schema=schema, wake=wake, health=context.health)


async def _first(doing: Mapping[str, Awaitable[object]]) -> None:
    """Run all of them; when one ends or fails, cancel the others, wait for them, and pass on what it raised."""
    tasks = {asyncio.ensure_future(each) for each in doing.values()}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _started(broker: KafkaBroker) -> None:
    try:
        await broker.start()
    except Exception as error:
        await broker.stop()
        raise Transient(f"Kafka: {error!r}") from error


def _server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Signals are `run`'s, not uvicorn's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of its own."""
        yield


async def _serve(server: uvicorn.Server) -> None:
    """Until cancelled; then it answers what is under way and lets go of its port."""
    serving = asyncio.ensure_future(_listen(server))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


async def _listen(server: uvicorn.Server) -> None:
    """uvicorn ends the process where it cannot listen, with the exit code that means an alarm here."""
    try:
        await server.serve()
    except SystemExit:
        host, port = server.config.host, server.config.port
        raise BadSettings(f"TENURE_HTTP_HOST, TENURE_HTTP_PORT: {host}:{port} is taken, or not ours.") from None
