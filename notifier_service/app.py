"""Where the notifier is put together; imported by `__main__` only."""

from functools import partial
from pathlib import Path
from typing import Final

from notifier_service.batch import NotifierBatchProcessor
from notifier_service.content.inbox_composer import InboxComposer
from notifier_service.content.mail_composer import MailComposer
from notifier_service.content_files import load_content
from notifier_service.delivery import circuit_breaker, process_session
from notifier_service.delivery.lease_holder import LeaseHolder
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.sender import Sender
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.handlers import registry
from notifier_service.housekeeping import Housekeeping
from notifier_service.http import api as operators
from notifier_service.http import bounces, mails, person, suppressions
from notifier_service.inbox import api as inbox
from notifier_service.inbox.acts import InboxActs
from notifier_service.inbox.changes import watch_inboxes
from notifier_service.inbox.stream import Streams
from notifier_service.mail_links import MailLinks
from notifier_service.metrics import delivery_seconds, notifications, show_streams
from notifier_service.pages import inbox as inbox_page
from notifier_service.pages import preferences as preferences_page
from notifier_service.pages import unsubscribe as unsubscribe_page
from notifier_service.pages.session import PageContext
from notifier_service.previews import pages as previews
from notifier_service.returned_mail import ReturnedMail
from notifier_service.unsubscribe_links import UnsubscribeLinks
from shared.runtime.components import Service, ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard
from shared.web.cross_origin import CrossOrigin
from shared.web.http import build_http


def build(context: ServiceContext) -> ServiceComponents:
    """Everything that runs. Raises `BadSettings` for settings that cannot work."""
    content = load_content(context.settings)
    metrics = Metrics(context, notifications)
    url = context.settings.database_url.get_secret_value()
    session = ProcessSession(url=url, schema=context.schema, health=context.health)
    guard = Guard(context.settings)
    mail_composer = MailComposer(
        content.languages,
        content.brand,
        MailLinks(context.settings, guard).for_,
        mail_from=context.settings.mail_from,
        mail_domain=context.settings.mail_domain,
    )
    returned_mail = ReturnedMail(content.languages)
    leases = LeaseHolder(
        session, context, returned_mail=returned_mail, observe_seconds=delivery_seconds(metrics.registry)
    )
    sender = build_sender(context, session, mail_composer, leases)
    housekeeping = Housekeeping(context.engine, context.clock, keep_days=context.settings.keep_mails_days)
    streams = Streams(context.http_engine, context.health)
    show_streams(metrics.registry, streams.__len__)
    acts = InboxActs(context.http_engine, context.clock, context.partitions)
    routers = [
        inbox.router(context.http_engine, acts, streams),
        operators.router(context.http_engine),
        person.router(context.http_engine),
        inbox_page.router(context.http_engine, context.clock, acts),
        suppressions.router(context.http_engine, context.settings),
        bounces.router(context, returned_mail),
        previews.router(content, context.settings),
        mails.router(context),
        preferences_page.router(context.http_engine),
        unsubscribe_page.router(context.http_engine, UnsubscribeLinks(context.settings)),
    ]
    http = build_http(context, guard=guard, metrics=metrics, routers=routers)
    http.add_middleware(CrossOrigin, access=inbox_page.component_access(context.settings))
    http.state.pages = PageContext(content.languages, context.settings.public_url, content.brand.product_name)
    return ServiceComponents(
        http=http,
        http_tasks=[streams.run, partial(watch_inboxes, url, context.schema, streams, context.health)],
        batch_processor=NotifierBatchProcessor(
            registry(InboxComposer(content.languages, content.brand), context.settings.delivery),
            topic_prefix=context.settings.topic_prefix,
            clock=context.clock,
            partitions=context.partitions,
        ),
        settle_due=sender.drain,
        tasks=[sender.run, housekeeping.run],
    )


def build_sender(
    context: ServiceContext,
    session: ProcessSession,
    mail_composer: MailComposer,
    leases: LeaseHolder,
) -> Sender:
    """What sends emails; `session` keeps its leases valid. Raises `BadSettings`."""
    return Sender(
        leases,
        session=session,
        mail_composer=mail_composer,
        relay=MailRelay(context.settings),
        health=context.health,
    )


NOTIFIER: Final = Service(
    name="notifier",
    health_components=(process_session.COMPONENT, circuit_breaker.COMPONENT),
    migrations=Path(__file__).parent / "migrations",
    build=build,
)
