"""Where the subscription service's parts are joined; nobody imports this but `__main__`."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from shared.contracts import asyncapi
from shared.contracts.topics import written_by
from shared.kafka.topics import logical
from shared.runtime import metrics
from shared.runtime.components import ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics
from shared.runtime.service import VERSION
from shared.runtime.settings import BadSettings, Settings
from shared.web.auth import Guard
from shared.web.http import Edge, build_http
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.domain.policy import Rules
from subscription_service.handlers import REGISTRY
from subscription_service.housekeeping import Housekeeping
from subscription_service.http import api
from subscription_service.policy_files import catalog, policy
from subscription_service.storage.store import parked
from subscription_service.timers import Timers

NAME: Final = "subscription"


class SubscriptionService:
    """See `shared.runtime.service.Service`. Raises `BadSettings` where policy or catalog are wrong."""

    name = NAME
    reads = tuple(REGISTRY)
    writes = tuple(written_by(NAME))
    awaited = ("timers",)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, settings: Settings) -> None:
        self._rules = load_rules(settings)

    def http(self, context: ServiceContext) -> FastAPI:
        """Overview, orders, history, timeline, quote and configuration, beside what both services have."""
        collectors = Metrics(
            context.engine,
            database_collectors=[parked],
            process_collectors=[
                metrics.intake_lag(context.health),
                metrics.process_status(context.health, test_clock=context.settings.test_clock is not None),
            ],
        )
        edge = Edge(
            service=NAME,
            version=VERSION,
            settings=context.settings,
            engine=context.engine,
            health=context.health,
            guard=Guard(context.settings),
            metrics=collectors.exposition,
            asyncapi=asyncapi.document(
                NAME,
                topic_prefix=context.settings.topic_prefix,
                test_clock=context.settings.test_clock is not None,
                version=VERSION,
            ),
        )
        app = build_http(edge)
        app.include_router(api.router(context.engine, context.clock, self._rules))
        return app

    def components(self, context: ServiceContext) -> ServiceComponents:
        """Decisions by event and by timer, and the housekeeping."""
        timers = Timers(self._rules, context)
        housekeeping = Housekeeping(rules=self._rules, engine=context.engine)
        tasks: list[Callable[[], Awaitable[None]]] = [timers.run, housekeeping.run]
        batch_processor = SubscriptionBatchProcessor(
            rules=self._rules,
            clock=context.clock,
            partitions=context.partitions,
            logical=partial(logical, settings=context.settings),
        )
        return ServiceComponents(batch_processor=batch_processor, settle=timers.settle, tasks=tasks)


def load_rules(settings: Settings) -> Rules:
    """Policy and catalog, from the files that the settings name or our own. Raises `BadSettings`."""
    try:
        return Rules(
            policy=policy.load_policy(settings.policy_file or policy.DEFAULT),
            catalog=catalog.load_catalog(settings.catalog_file or catalog.DEFAULT),
        )
    except (ValueError, OSError) as error:
        raise BadSettings(str(error)) from error
