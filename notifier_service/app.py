"""Where the notifier is put together; imported by `__main__` only."""

from functools import partial
from pathlib import Path
from typing import Final

from notifier_service.batch import NotifierBatchProcessor
from notifier_service.content.inbox_composer import InboxComposer
from notifier_service.content.mail_composer import MailComposer
from notifier_service.content_files import LoadedContent, load_content
from notifier_service.delivery import circuit_breaker, process_session
from notifier_service.delivery.lease_holder import LeaseHolder
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.sender import Sender
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.handlers import registry
from notifier_service.housekeeping import Housekeeping
from notifier_service.http_application import build_http_application
from notifier_service.inbox.changes import watch_inboxes
from notifier_service.inbox.stream import Streams
from notifier_service.mail_links import MailLinks
from notifier_service.metrics import delivery_seconds, notifications, show_streams
from notifier_service.returned_mail import ReturnedMail
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard


def build(context: ServiceContext) -> ServiceComponents:
    """Everything that runs. Raises `BadSettings` for settings that cannot work."""
    settings, content, guard = context.settings, load_content(context.settings), Guard(context.settings)
    metrics = Metrics(context, notifications)
    sender = _sender(context, content, guard, metrics)
    streams = Streams(context.http_engine, context.health)
    show_streams(metrics.registry, streams.__len__)
    url = settings.database_url.get_secret_value()
    return ServiceComponents(
        http=build_http_application(context, content, guard, metrics, streams),
        http_tasks=[streams.run, partial(watch_inboxes, url, context.schema, streams, context.health)],
        batch_processor=NotifierBatchProcessor(
            registry(InboxComposer(content.languages, content.brand), settings.delivery),
            topic_prefix=settings.topic_prefix,
            clock=context.clock,
            partitions=context.partitions,
        ),
        settle_due=sender.drain,
        tasks=[
            sender.run,
            Housekeeping(context.engine, context.clock, keep_days=settings.keep_mails_days).run,
        ],
    )


def _sender(context: ServiceContext, content: LoadedContent, guard: Guard, metrics: Metrics) -> Sender:
    """What sends emails. Raises `BadSettings`."""
    settings = context.settings
    url = settings.database_url.get_secret_value()
    session = ProcessSession(url=url, schema=context.schema, health=context.health)
    leases = LeaseHolder(
        session,
        context,
        returned_mail=ReturnedMail(content.languages, settings),
        observe_seconds=delivery_seconds(metrics.registry),
    )
    mail_composer = MailComposer(
        content.languages,
        content.brand,
        MailLinks(settings, guard).for_,
        mail_from=settings.mail_from,
        mail_domain=settings.mail_domain,
    )
    relay = MailRelay(settings)
    return Sender(leases, session=session, mail_composer=mail_composer, relay=relay, health=context.health)


NOTIFIER: Final = Service(
    name="notifier",
    health_components=(process_session.COMPONENT, circuit_breaker.COMPONENT),
    migrations=Path(__file__).parent / "migrations",
    build=build,
)
