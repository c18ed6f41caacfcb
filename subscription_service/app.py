"""Builds the subscription service out of its parts; imported by `__main__` only.

Two things decide: `batch` for what comes from Kafka (`handlers` lists it), and `timer_runner` for what is due by
itself.
"""

from functools import partial
from pathlib import Path
from typing import Final

from shared.contracts.topics import STATE
from shared.kafka.topics import logical
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard
from shared.web.http import build_http
from subscription_service.batch import SubscriptionBatchProcessor
from subscription_service.housekeeping import Housekeeping
from subscription_service.http.routers import routers
from subscription_service.metrics import database_collectors
from subscription_service.policy_files.comparison import document, versions
from subscription_service.policy_files.rules import load_rules
from subscription_service.recent_states import RecentStates
from subscription_service.retiming import Retiming
from subscription_service.rules_in_force import RulesInForce
from subscription_service.state_documents import StateDocuments
from subscription_service.timer_runner import TimerRunner


def build(context: ServiceContext) -> ServiceComponents:
    """Everything that runs. Raises `BadSettings` where policy or catalog are wrong."""
    settings = context.settings
    rules = load_rules(settings)
    in_force = RulesInForce(rules, context)
    recent = RecentStates()
    timers = TimerRunner(rules, context, recent)
    housekeeping = Housekeeping(rules=rules, engine=context.engine)
    batch_processor = SubscriptionBatchProcessor(
        rules=rules,
        clock=context.clock,
        partitions=context.partitions,
        logical=partial(logical, settings=settings),
        recent=recent,
    )
    documents = StateDocuments(rules=rules, engine=context.engine, recent=recent)
    retiming = Retiming(rules, context, users=[timers.use, batch_processor.use, documents.use])
    return ServiceComponents(
        http=build_http(
            context,
            guard=Guard(settings),
            metrics=Metrics(context, *database_collectors(test_clock=settings.test_clock is not None)),
            routers=routers(context, rules),
        ),
        batch_processor=batch_processor,
        settle_due=timers.run_all_due,
        tasks=[timers.run, housekeeping.run, in_force.run],
        preparations=[in_force.prepare, retiming.prepare],
        beside_intake=[in_force.watch],
        documents={STATE: documents},
        rules=versions(document(rules)),
    )


SUBSCRIPTION: Final = Service(
    name="subscription",
    health_components=("timers",),
    migrations=Path(__file__).parent / "migrations",
    build=build,
)
