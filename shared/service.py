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

from shared import log, topics
from shared.barrier import Barrier, own_place
from shared.clock import SystemClock, TestClock
from shared.consuming import Intake
from shared.database import connect, transaction
from shared.errors import Transient
from shared.health import Health
from shared.inputs import Inputs
from shared.kafka import broker as make_broker
from shared.leading import lead
from shared.migrations import migrate
from shared.relay import Relay
from shared.settings import BadSettings, Settings
from shared.spine import Base, Parts, Service
from shared.topics import TEST_CLOCK, TEST_CLOCK_SETTLED
from shared.waits import until_done
from shared.watchdog import watch

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
    base = Base(
        settings=settings,
        engine=engine,
        health=Health("database", "topics", "consuming", "lag", "publishing", *service.awaited),
        clock=SystemClock() if settings.test_clock is None else TestClock(),
        inputs=Inputs(_upstream(service), settings=settings, engine=engine),
    )
    if settings.test_clock is not None:
        logger.warning("THE TEST CLOCK IS ON: time stands still and moves only by events on %s", TEST_CLOCK)
    server = _server(service.http(base), settings)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        await _first({"stop": stopping.wait(), "http": _serve(server), "work": _work(service, base, schema)})
    finally:
        await engine.dispose()


async def _work(service: Service, base: Base, schema: str) -> None:
    """Prepare, then run all parts until cancelled; a part that fails ends them all."""
    base = await _prepare(service, base, schema)
    parts = service.parts(base)
    wanted = [topic.name for topic in topics.wanted(service.reads, base.settings)]
    intake = Intake(wanted, settings=base.settings, engine=base.engine, applier=parts.applier, health=base.health)
    broker = make_broker(base.settings)
    intake.subscribe(broker, f"tenure-{service.name}")
    try:
        await until_done(lambda: _started(broker), health=base.health, part="consuming")
        await _first(
            {
                "alarm": intake.alarmed(),
                "intake": intake.run(),
                "watch": watch(intake, base.health),
                "lead": _lead(service, base, schema, parts),
                **{f"task {number}": task() for number, task in enumerate(parts.tasks)},
            }
        )
    finally:
        await intake.drained(_DRAIN_SECONDS)
        await broker.stop()
        if parts.stop:
            await parts.stop()


async def _prepare(service: Service, base: Base, schema: str) -> Base:
    """Schema, topics, partition counts, clock: waits for whatever is away."""
    settings, health = base.settings, base.health
    await until_done(lambda: migrate(base.engine, schema, service.migrations), health=health, part="database")
    names = [*service.reads, *service.writes]
    counts = await until_done(lambda: topics.ensure(names, settings), health=health, part="topics")

    async def fix() -> None:
        async with transaction(base.engine) as connection:
            own = [topic for topic in service.writes if topic in counts and topic != TEST_CLOCK_SETTLED]
            await log.fix_partitions(connection, {topic: counts[topic] for topic in own})
            if settings.test_clock is not None:
                await log.fix_own_partition(connection, *own_place(service.name, counts))
                await TestClock.start(connection, settings.test_clock)

    await until_done(fix, health=health, part="database")
    return Base(
        settings=settings, engine=base.engine, health=health, clock=base.clock, inputs=base.inputs, partitions=counts
    )


async def _lead(service: Service, base: Base, schema: str, parts: Parts) -> None:
    wake = asyncio.Event()
    relay = Relay(service.name, settings=base.settings, engine=base.engine, wake=wake, health=base.health)
    barrier = Barrier(service.name, base=base, relay=relay, settle=parts.settle)

    async def duties() -> None:
        doing = {"relay": relay.run()}
        await _first(doing if base.settings.test_clock is None else {**doing, "barrier": barrier.run()})

    url = base.settings.database_url.get_secret_value()
    await lead(duties, url=url, schema=schema, wake=wake, health=base.health)


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
