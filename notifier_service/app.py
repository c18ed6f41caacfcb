"""Where the notifier is put together; imported by `__main__` only."""

from pathlib import Path
from typing import Final

from notifier_service.batch import NotifierBatchProcessor
from notifier_service.content.catalogs import load_languages
from notifier_service.content.mail_composer import MailComposer
from notifier_service.delivery import circuit_breaker, process_session
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.sender import Deliverer, DeliveryDependencies
from notifier_service.delivery.smtp import MailRelay
from notifier_service.handlers import SERVICE
from notifier_service.http import api
from notifier_service.inbox import api as inbox
from notifier_service.inbox.api import InboxDependencies
from notifier_service.inbox.stream import Streams
from notifier_service.storage.metrics import delivery_seconds, notifications
from notifier_service.storage.signals import Signal
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard
from shared.web.http import build_http


def build(context: ServiceContext) -> ServiceComponents:
    """Everything that runs. Raises `BadSettings` for settings that cannot work."""
    settings = context.settings
    languages = load_languages()
    metrics = Metrics(context, notifications)
    session = ProcessSession(url=settings.database_url.get_secret_value(), schema=context.schema, health=context.health)
    streams = Streams(context.engine, context.health, changed=session.heard[Signal.INBOX])
    deliverer = Deliverer(
        DeliveryDependencies(
            engine=context.engine,
            clock=context.clock,
            process_session=session,
            mail_composer=MailComposer(languages, mail_from=settings.mail_from, mail_domain=settings.mail_domain),
            relay=MailRelay(settings),
            health=context.health,
            partitions=context.partitions,
            took=delivery_seconds(metrics.registry),
        )
    )
    http = build_http(context, guard=Guard(settings), metrics=metrics, routers=[inbox.router, api.router])
    http.state.inbox_dependencies = InboxDependencies(
        engine=context.engine, clock=context.clock, streams=streams, partitions=context.partitions
    )
    return ServiceComponents(
        http=http,
        batch_processor=NotifierBatchProcessor(
            settings=settings, clock=context.clock, partitions=context.partitions, languages=languages
        ),
        settle_due=deliverer.settle_deliveries,
        tasks=[deliverer.run, streams.run],
    )


NOTIFIER: Final = Service(
    name=SERVICE,
    health_components=(process_session.COMPONENT, circuit_breaker.COMPONENT),
    migrations=Path(__file__).parent / "migrations",
    build=build,
)
