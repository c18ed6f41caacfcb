"""Where the subscription service's parts are joined; nobody imports this but `__main__`."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from shared import metrics
from shared.auth import Guard
from shared.contracts import asyncapi
from shared.http import Edge, build_http
from shared.metrics import Metrics
from shared.service import VERSION
from shared.settings import BadSettings, Settings
from shared.spine import Base, Parts
from shared.topics import (
    DEAD_LETTERS,
    LIFECYCLE,
    PURCHASES,
    RENEWALS,
    SERVER_INVENTORY,
    STATE,
    TEST_CLOCK,
    TEST_CLOCK_SETTLED,
    logical,
)
from subscription_service import api, catalog, policy
from subscription_service.apply import Apply
from subscription_service.domain.policy import Rules
from subscription_service.housekeeping import Housekeeping
from subscription_service.store import parked
from subscription_service.timers import Timers

NAME: Final = "subscription"


class SubscriptionService:
    """See `shared.service.Service`. Raises `BadSettings` where policy or catalog are wrong."""

    name = NAME
    reads = (PURCHASES, RENEWALS, SERVER_INVENTORY, TEST_CLOCK)
    writes = (LIFECYCLE, STATE, DEAD_LETTERS, TEST_CLOCK_SETTLED)
    awaited = ("timers",)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, settings: Settings) -> None:
        self._rules = load_rules(settings)

    def http(self, base: Base) -> FastAPI:
        """Overview, orders, history, timeline, quote and configuration, beside what both services have."""
        figures = Metrics(
            base.engine,
            readings=[parked],
            looks=[
                metrics.intake_lag(base.health),
                metrics.standing(base.health, test_clock=base.settings.test_clock is not None),
            ],
        )
        edge = Edge(
            service=NAME,
            version=VERSION,
            settings=base.settings,
            engine=base.engine,
            health=base.health,
            guard=Guard(base.settings),
            metrics=figures.exposition,
            asyncapi=asyncapi.document(
                NAME,
                topic_prefix=base.settings.topic_prefix,
                test_clock=base.settings.test_clock is not None,
                version=VERSION,
            ),
        )
        app = build_http(edge)
        app.include_router(api.router(base.engine, base.clock, self._rules))
        return app

    def parts(self, base: Base) -> Parts:
        """Decisions by event and by timer, and the housekeeping."""
        timers = Timers(self._rules, base)
        housekeeping = Housekeeping(rules=self._rules, engine=base.engine)
        tasks: list[Callable[[], Awaitable[None]]] = [timers.run, housekeeping.run]
        applier = Apply(
            rules=self._rules,
            clock=base.clock,
            partitions=base.partitions,
            logical=partial(logical, settings=base.settings),
        )
        return Parts(applier=applier, settle=timers.settle, tasks=tasks)


def load_rules(settings: Settings) -> Rules:
    """Policy and catalog, from the files that the settings name or our own. Raises `BadSettings`."""
    try:
        return Rules(
            policy=policy.load_policy(settings.policy_file or policy.DEFAULT),
            catalog=catalog.load_catalog(settings.catalog_file or catalog.DEFAULT),
        )
    except (ValueError, OSError) as error:
        raise BadSettings(str(error)) from error
