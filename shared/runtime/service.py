"""Running one service, from the settings to a clean stop: what both services have in common.

HTTP is served first, so that `/ready` can tell what is missing; then the tables are prepared, then topics; everything
else begins as soon as it has what it needs. `run` ends on SIGINT or SIGTERM, or with an `Alarm`, which a person must
look at.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from shared.contracts.topics import TEST_CLOCK, TOPICS, read_by, written_by
from shared.kafka import topics
from shared.kafka.client import connection_arguments
from shared.kafka.errors import report_when_slow
from shared.kafka.input_topics import InputTopics
from shared.kafka.intake import Intake, build_intake
from shared.outbox import log
from shared.outbox.leader import lead
from shared.outbox.relay import Relay
from shared.outbox.topic_ends import last_sequences
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.log_lines import STARTED, STOPPED, TEST_CLOCK_ON
from shared.runtime.own_loop import run_in_own_loop
from shared.runtime.process import wait_for_stop_signal
from shared.runtime.retry import retry_transient
from shared.runtime.settings import Role, Settings, has_role, schema_name
from shared.runtime.tasks import Operation, run_until_one_ends
from shared.runtime.version import VERSION
from shared.storage.database import connect, transaction
from shared.storage.migrations import migrate, revision_of
from shared.testclock.barrier import Barrier, settled_partition
from shared.testclock.clock import SystemClock, TestClock
from shared.web import limits, probe
from shared.web.server import serve

HEALTH_COMPONENTS: Final[Mapping[Role, Sequence[str]]] = {
    "intake": ("database", "topics", "consuming", "lag", "publishing"),
    "http": ("database", probe.COMPONENT),
}
"""Role -> what must be ready for it, in both services."""
_DRAIN_SECONDS: Final = 10.0


async def run(service: Service, settings: Settings) -> None:
    """Run until SIGINT, SIGTERM or cancellation. Raises `Alarm`, and `BadSettings` for settings that cannot work."""
    context = build_context(service, settings)
    if settings.test_clock is not None:
        TEST_CLOCK_ON.say(topic=TEST_CLOCK)
    try:
        components = service.build(context)
        intake = partial(_work, service, context, components)
        await run_until_one_ends(
            wait_for_stop_signal,
            partial(run_in_own_loop, partial(_serve_http, context, components)),
            intake if has_role(settings, "intake") else partial(_await_intake, context, components),
        )
        STOPPED.say(service=service.name)
    finally:
        await context.engine.dispose()


def build_context(service: Service, settings: Settings) -> ServiceContext:
    """What the service is built from; connects to nothing yet. Raises `BadSettings` for certificates of no use."""
    connection_arguments(settings)
    schema, url = schema_name(service.name, settings), settings.database_url.get_secret_value()
    engine = connect(url, schema)
    upstream = [topic for topic in read_by(service.name) if not TOPICS[topic].test_clock_only]
    return ServiceContext(
        name=service.name,
        settings=settings,
        schema=schema,
        engine=engine,
        http_engine=connect(
            url, schema, pool_size=limits.DATABASE_CONNECTIONS, statement_seconds=limits.DATABASE_SECONDS
        ),
        health=Health(*_health_components(service, settings)),
        clock=SystemClock() if settings.test_clock is None else TestClock(),
        inputs=InputTopics(upstream, settings=settings, engine=engine),
    )


def _health_components(service: Service, settings: Settings) -> list[str]:
    named = [name for role, names in HEALTH_COMPONENTS.items() if has_role(settings, role) for name in names]
    return [*named, *service.health_components] if has_role(settings, "intake") else named


async def _serve_http(context: ServiceContext, components: ServiceComponents) -> None:
    """Everything that runs in HTTP's event loop. Raises `BadSettings` where the port is taken."""
    watch = partial(probe.watch_database, context.http_engine, context.health)
    beside: list[Operation] = [watch, *components.http_tasks] if has_role(context.settings, "http") else []
    try:
        await run_until_one_ends(partial(serve, components.http, context.settings), *beside)
    finally:
        await context.http_engine.dispose()


async def _await_intake(context: ServiceContext, components: ServiceComponents) -> None:
    """All that a copy without the role `intake` does beside HTTP: wait for the tables that one with it has made, then
    run what the service has for it.
    """
    counts = await retry_transient(lambda: _fixed_partitions(context), health=context.health, component="database")
    context.partitions.fill(counts)
    await _say_started(context, components)
    await run_until_one_ends(_for_ever, *components.beside_intake)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _fixed_partitions(context: ServiceContext) -> Mapping[str, int]:
    """Raises `Transient` where there are none yet."""
    async with transaction(context.engine) as connection:
        counts = await log.fixed_partitions(connection)
    if not counts:
        raise Transient("no copy with the role intake has been started on this database yet")
    return counts


async def _work(service: Service, context: ServiceContext, components: ServiceComponents) -> None:
    """Run everything but HTTP until cancelled; an operation that fails ends them all.

    Each waits only for what it needs itself: the service's own tasks do not wait for the consumer group, and what is
    decided is published while this copy still joins it.
    """
    await _prepare_tables(service, context, components)
    prepared = asyncio.Event()
    await _find_partitions(context)
    await run_until_one_ends(
        partial(_exchange, service, context, components, prepared),
        *(partial(_run_prepared, prepared, task) for task in components.tasks),
    )


async def _run_prepared(prepared: asyncio.Event, task: Operation) -> None:
    await prepared.wait()
    await task()


async def _exchange(
    service: Service, context: ServiceContext, components: ServiceComponents, prepared: asyncio.Event
) -> None:
    """Read and publish, each beside the other, once there are topics. Raises `Alarm`."""
    await _prepare_topics(service, context, prepared)
    intake = build_intake(
        context,
        components.batch_processor,
        group=f"tenure-{service.name}",
        topics=[topic.name for topic in topics.wanted(list(read_by(service.name)), context.settings)],
    )
    try:
        await run_until_one_ends(partial(_read, intake), partial(_lead, context, components))
    finally:
        await intake.stop(_DRAIN_SECONDS)


async def _read(intake: Intake) -> None:
    await intake.start()
    await intake.run()


async def _prepare_tables(service: Service, context: ServiceContext, components: ServiceComponents) -> None:
    """Make tables, and what the service keeps in them; wait while the database is away."""
    url = context.settings.database_url.get_secret_value()
    await retry_transient(
        lambda: migrate(url, context.schema, service.migrations), health=context.health, component="database"
    )
    for prepare in components.preparations:
        await prepare()
    await _say_started(context, components)


async def _find_partitions(context: ServiceContext) -> None:
    """Fill `context.partitions` with what an earlier start of this version has stored: all that HTTP needs."""
    counts = await retry_transient(lambda: _stored_partitions(context), health=context.health, component="database")
    if _own_topics(context) <= counts.keys():
        context.partitions.fill(counts)


async def _stored_partitions(context: ServiceContext) -> Mapping[str, int]:
    """The partitions that this service writes; where there are some, the test clock is started too if it is on."""
    async with transaction(context.engine) as connection:
        counts = await log.fixed_partitions(connection)
        if counts and context.settings.test_clock is not None:
            await TestClock.start(connection, context.settings.test_clock)
        return counts


def _own_topics(context: ServiceContext) -> set[str]:
    """The topics of which this service writes every partition."""
    return {topic for topic in written_by(context.name) if not TOPICS[topic].test_clock_only}


async def _prepare_topics(service: Service, context: ServiceContext, prepared: asyncio.Event) -> None:
    """Make topics, then fill `context.partitions`; wait for whatever is away.

    Raises `Alarm`, also where the database is older than the topics: then nothing may be decided, sent or published.
    """
    settings, health = context.settings, context.health
    names = [*read_by(service.name), *written_by(service.name)]
    counts = await retry_transient(lambda: topics.ensure(names, settings), health=health, component="topics")
    await retry_transient(lambda: _prepare_log(service, context, counts), health=health, component="database")
    await retry_transient(lambda: _look_at_ends(context), health=health, component="topics")
    context.partitions.fill(counts)
    prepared.set()


async def _look_at_ends(context: ServiceContext) -> None:
    with report_when_slow(context.health, "topics", "where its topics end"):
        await last_sequences(context.engine, context.settings)


async def _say_started(context: ServiceContext, components: ServiceComponents) -> None:
    """The log's first word of a start that has got so far: what runs, and on what."""
    settings = context.settings
    revision = await retry_transient(partial(revision_of, context.engine), health=context.health, component="database")
    runs = {"service": context.name, "version": VERSION, "schema_revision": revision, "roles": settings.roles}
    STARTED.say(**runs, host=settings.http_host, port=settings.http_port, **components.rules)


async def _prepare_log(service: Service, context: ServiceContext, counts: Mapping[str, int]) -> None:
    """Fix the partitions that this service writes and, with the test clock on, start that clock."""
    async with transaction(context.engine) as connection:
        await log.fix_partitions(connection, {topic: counts[topic] for topic in _own_topics(context)})
        if context.settings.test_clock is not None:
            await log.fix_own_partition(connection, *settled_partition(service.name, counts))
            await TestClock.start(connection, context.settings.test_clock)


async def _lead(context: ServiceContext, components: ServiceComponents) -> None:
    """Publish the log, and with the test clock on run its barrier, whenever this process is the leader."""
    wake = asyncio.Event()
    relay = Relay(context, wake=wake, documents=components.documents)
    barrier = Barrier(context, relay=relay, settle_due=components.settle_due)

    duties = [relay.run] if context.settings.test_clock is None else [relay.run, barrier.run]
    await lead(context, duties, wake=wake)
